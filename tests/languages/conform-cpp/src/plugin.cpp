// The conformance plugin in C++; what it does is in ../../README.md.

#include <jackfield.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

using namespace jackfield;

namespace {

[[gnu::noinline]] void deep_fault() {
  std::fprintf(stderr, "on purpose\n");
  std::abort();
}

struct Conform : Plugin {
  unsigned count = 0;

  std::expected<Headers, Rejection> check_custom_header(const Request &request) override {
    if (request.header("x-fault")) deep_fault();
    if (request.header("x-refuse")) return std::unexpected(Rejection{403, "refused by cpp\n", {{"x-lang", "cpp"}}});
    request.connection().set_attribute("who", request.path()).value();
    return Headers{{"x-lang", "cpp"}};
  }

  std::optional<std::string> select_protocol(Connection, std::span<const std::string_view> offered) override {
    if (offered.back() == "none") return std::nullopt;
    return std::string(offered.back());
  }

  void on_handshake_success(Connection connection) override { connection.send("welcome").value(); }

  void on_disconnected(Connection, Ending ending) override {
    std::printf("ended %d %s\n", ending.code, std::string(ending.reason).c_str());
  }

  void business_handler(Connection connection, Message message) override {
    count++;
    std::string_view text = message.is_text() ? message.text() : "";
    if (text == "who") {
      connection.send(*connection.attribute("who").value()).value();
    } else if (text == "info") {
      Info info = connection.info().value();
      connection.send(info.route + " " + info.protocol.value_or("")).value();
    } else if (text == "fragments") {
      connection.send_fragment("a", false).value();
      connection.send_fragment("b", false).value();
      connection.send_fragment("c", true).value();
    } else if (text == "print") {
      std::printf("printed by cpp\n");
    } else if (text == "warn") {
      std::fprintf(stderr, "warned by cpp\n");
    } else if (text == "close") {
      connection.close(4001, "bye").value();
    } else if (text == "bad close") {
      if (connection.close(1005).error() == JACKFIELD_INVALID_CODE) connection.send("refused").value();
    } else if (text == "count") {
      connection.send(std::to_string(count)).value();
    } else if (text == "churn") {
      for (int at = 0; at < 64; at++) (void)std::make_unique<std::string>(4096, 'x');
      connection.send("churned").value();
    } else if (text == "fault") {
      deep_fault();
    } else {
      connection.send(message).value();
    }
  }

  std::expected<std::string, std::string> save() override { return std::to_string(count); }

  std::expected<void, std::string> restore(std::string_view, std::string_view saved) override {
    count = static_cast<unsigned>(std::atoi(std::string(saved).c_str()));
    return {};
  }
};

}  // namespace

JACKFIELD_PLUGIN(Conform);
