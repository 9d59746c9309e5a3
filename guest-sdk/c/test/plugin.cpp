// The C++ side: hooks by override, the values around the C functions.

#include <jackfield.hpp>
#include <jackfield_testing.h>

#include "check.h"

#include <string>
#include <vector>

namespace {

using namespace jackfield;

std::vector<std::string> heard;

struct All : Plugin {
  std::expected<Headers, Rejection> check_custom_header(const Request &request) override {
    if (request.path() == "/no") return std::unexpected(Rejection{403, "not you\n", {{"x-why", "because"}}});
    CHECK(request.query() == "room=1" && request.header("X-One") == "1" && !request.header("x-two"));
    CHECK(request.bearer_token() == "abc" && request.cookie("c") == "d");
    CHECK(request.headers().size() == 4 && request.headers()[0].value == "1" && request.protocols().size() == 2);
    CHECK(request.connection().set_attribute("user", "ada").has_value());
    return Headers{{"x-ok", "yes"}};
  }
  std::optional<std::string> select_protocol(Connection, std::span<const std::string_view> offered) override {
    if (offered.back() == "none") return std::nullopt;
    return std::string(offered.back());
  }
  void business_handler(Connection connection, Message message) override {
    Result sent = message.is_text() ? connection.send(std::string(message.text()) + "!") : connection.send(message.bytes());
    heard.push_back(sent ? "sent" : sent.error().what());
  }
  void on_disconnected(Connection, Ending ending) override { heard.push_back(std::to_string(ending.code)); }
  void on_after_health_check(std::span<const Connection> unhealthy) override {
    heard.push_back("unhealthy " + std::to_string(unhealthy.size()) + ": " + std::to_string(unhealthy[0].id()));
  }
  void on_error(Connection, jackfield_error_kind, std::string_view detail) override { heard.emplace_back(detail); }
  std::expected<std::string, std::string> save() override {
    if (heard.empty()) return std::unexpected("nothing to save");
    return std::string("a\0b", 3);
  }
  std::expected<void, std::string> restore(std::string_view version, std::string_view saved) override {
    if (version != "v1") return std::unexpected("another version");
    heard.emplace_back(saved);
    return {};
  }
};

// Between the plugin and the base: what it overrides counts.
struct Between : Plugin {
  void on_started() override {}
};
struct Derived : Between {};

static_assert(detail::has_handshake<All> && detail::has_handler<All> && detail::has_connection_events<All>);
static_assert(detail::has_socket_events<All> && detail::has_health_events<All> && detail::has_state<All>);
static_assert(!detail::has_server_events<All> && detail::has_server_events<Derived> && !detail::has_handler<Derived>);

}  // namespace

JACKFIELD_PLUGIN(All);

int main() {
  const char *headers[] = {"x-one", "1", "authorization", "Bearer abc", "cookie", "c=d", "sec-websocket-protocol", "a, b"};
  jackfield_request *request = jackfield_testing_request("/chat?room=1", headers, 8);
  jackfield_response *response = jackfield_testing_response();
  jackfield_hooks_handshake.check_custom_header(request, response);
  CHECK(jackfield_testing_status(response) == 101 && std::string(jackfield_testing_header(response, "x-ok")) == "yes");
  Connection connection(request->connection);
  CHECK(connection.attribute("user").value() == "ada" && !connection.attribute("other").value());
  CHECK(jackfield_hooks_handshake.select_protocol(connection.id(), request->protocols, 2) == 1);
  const jackfield_text none[] = {{"none", 4}};
  CHECK(jackfield_hooks_handshake.select_protocol(connection.id(), none, 1) < 0);

  response = jackfield_testing_response();
  jackfield_hooks_handshake.check_custom_header(jackfield_testing_request("/no", nullptr, 0), response);
  CHECK(jackfield_testing_status(response) == 403 && std::string(jackfield_testing_body(response)) == "not you\n");
  CHECK(std::string(jackfield_testing_header(response, "x-why")) == "because");

  CHECK(connection.send("early").error() == JACKFIELD_GONE);
  jackfield_testing_accept(connection.id(), "b");
  CHECK(connection.info()->protocol == "b" && connection.info()->route == "/chat" && !Connection(12345).info());
  jackfield_hooks_handler.business_handler(connection.id(), jackfield_text_message("hello"));
  jackfield_hooks_handler.business_handler(connection.id(), jackfield_binary_message("\0", 1));
  CHECK(jackfield_text_is(jackfield_testing_sent(connection.id())->text, "hello!"));
  CHECK(jackfield_testing_sent(connection.id())->kind == JACKFIELD_SENT_BINARY);
  CHECK(connection.send_fragment("a", false) && connection.send(std::string("b")).error() == JACKFIELD_FRAGMENT_ORDER);
  CHECK(connection.send_fragment("a", true) && connection.send_uncompressed("c"));
  CHECK(connection.ping() && connection.pong(std::vector<std::uint8_t>{1, 2}));
  CHECK(connection.remove_attribute("user") && !connection.attribute("user").value());
  CHECK(connection.close(99).error() == JACKFIELD_INVALID_CODE && connection.close(1000, "bye"));
  CHECK(connection.disconnect() && Connection(12345).disconnect().error() == JACKFIELD_GONE);
  CHECK(connection == Connection(connection.id()) && connection < Connection(12345));

  jackfield_hooks_connection_events.on_handshake_success(connection.id());
  jackfield_hooks_connection_events.on_disconnected(connection.id(), {1001, {"", 0}, true});
  const jackfield_connection unhealthy[] = {7, 8};
  jackfield_hooks_health_events.on_after_health_check(unhealthy, 2);
  jackfield_hooks_socket_events.on_error(connection.id(), JACKFIELD_ERROR_LIMIT, {"too slow", 8});
  jackfield_state *state = jackfield_testing_state();
  jackfield_hooks_state.save(state);
  jackfield_bytes saved = jackfield_testing_saved(state);
  CHECK(saved.size == 3 && saved.data[1] == 0);
  jackfield_hooks_state.restore(state, {"v1", 2}, saved);
  CHECK(!jackfield_testing_failure(state));
  jackfield_hooks_state.restore(state, {"v2", 2}, saved);
  CHECK(std::string(jackfield_testing_failure(state)) == "another version");
  CHECK((heard == std::vector<std::string>{"sent", "sent", "1001", "unhealthy 2: 7", "too slow", std::string("a\0b", 3)}));
  jackfield_testing_reset();
  return checked("plugin (C++)");
}
