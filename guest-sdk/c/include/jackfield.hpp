// Write the business logic of a Jackfield WebSocket server in C++ (C++23), over the functions of jackfield.h.
//
// A plugin is a class derived from jackfield::Plugin, and one JACKFIELD_PLUGIN. Only the groups of hooks that the class
// overrides enter the component; the host never calls the others.
//
//     #include <jackfield.hpp>
//
//     struct Echo : jackfield::Plugin {
//       void business_handler(jackfield::Connection connection, jackfield::Message message) override {
//         connection.send(message);
//       }
//     };
//     JACKFIELD_PLUGIN(Echo);
//
// There are no exceptions in a component: what can fail answers a std::expected. Its value() of a failure, abort() and a
// failed assert() are traps: the connection of the call is closed with 1011 (in the handshake: refused with 500), the
// others go on with a fresh instance. The views that a hook is given are valid until it returns. One call at a time: no
// locks. What is printed to stdout ends in the host's log at INFO, to stderr at WARN.
#ifndef JACKFIELD_HPP
#define JACKFIELD_HPP

#include <jackfield.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace jackfield {

// Why a call was not done: a jackfield_status that is not JACKFIELD_OK.
class Error {
 public:
  explicit constexpr Error(jackfield_status status) : status_(status) {}
  constexpr jackfield_status status() const { return status_; }
  // In words.
  const char *what() const { return jackfield_status_text(status_); }
  friend constexpr bool operator==(Error error, jackfield_status status) { return error.status_ == status; }
  friend constexpr bool operator==(Error, Error) = default;

 private:
  jackfield_status status_;
};

// What became of a call.
using Result = std::expected<void, Error>;
// Bytes that somebody else owns.
using Bytes = std::span<const std::uint8_t>;

// One whole message, or a part of one: text or binary (RFC 6455 section 5.6). It owns nothing.
class Message {
 public:
  Message(jackfield_message message) : message_(message) {}
  // Text: UTF-8.
  Message(std::string_view text)
      : message_{JACKFIELD_TEXT, reinterpret_cast<const std::uint8_t *>(text.data()), text.size()} {}
  Message(const std::string &text) : Message(std::string_view(text)) {}
  Message(const char *text) : Message(std::string_view(text)) {}
  // Binary.
  Message(Bytes bytes) : message_{JACKFIELD_BINARY, bytes.data(), bytes.size()} {}
  Message(const std::vector<std::uint8_t> &bytes) : Message(Bytes(bytes)) {}

  bool is_text() const { return message_.kind == JACKFIELD_TEXT; }
  // The payload as characters; of a text message it is UTF-8.
  std::string_view text() const { return {reinterpret_cast<const char *>(message_.data), message_.size}; }
  // The payload as bytes, of either kind.
  Bytes bytes() const { return {message_.data, message_.size}; }
  operator jackfield_message() const { return message_; }

 private:
  jackfield_message message_;
};

// What the host knows about a connection.
struct Info {
  // Address and port of the peer, and the path of the route that it was accepted on.
  std::string peer, route;
  // The subprotocol agreed on, if any.
  std::optional<std::string> protocol;
  // Whether the connection is encrypted.
  bool secure;
  // Milliseconds since the socket was accepted, and since the last byte from the peer.
  std::uint64_t age_ms, idle_ms;
  // Bytes waiting in the outgoing buffer.
  std::uint64_t backlog;
};

// One connection, by its id: a value, to be copied, compared, and kept in containers. Every function that fails with
// JACKFIELD_GONE says that there is no such connection of this plugin. Text that is not UTF-8 is JACKFIELD_NOT_UTF8. A
// name and a reason end at their first NUL.
class Connection {
 public:
  explicit constexpr Connection(jackfield_connection id) : id_(id) {}
  // Opaque, below 2^53, never used again while the server process lives.
  constexpr jackfield_connection id() const { return id_; }

  // Sends one message in one frame, behind everything sent before.
  Result send(Message message) const { return result(jackfield_send(id_, message)); }
  // Sends one message that is never compressed: for secrets beside what a stranger chooses, and for what is compressed.
  Result send_uncompressed(Message message) const { return result(jackfield_send_uncompressed(id_, message)); }
  // Sends a part of a message (RFC 6455 section 5.4). The first part gives the kind, `last` ends the message.
  Result send_fragment(Message part, bool last) const { return result(jackfield_send_fragment(id_, part, last)); }
  // A ping with at most 125 bytes (RFC 6455 section 5.5.2).
  Result ping(Bytes payload = {}) const { return result(jackfield_ping(id_, payload.data(), payload.size())); }
  // A pong that nobody asked for, with at most 125 bytes (RFC 6455 section 5.5.3). The host answers pings.
  Result pong(Bytes payload = {}) const { return result(jackfield_pong(id_, payload.data(), payload.size())); }
  // Starts the closing handshake (RFC 6455 section 7.1.2). A reason above 123 bytes is cut between characters.
  Result close(int code = 1000, const std::string &reason = {}) const {
    return result(jackfield_close(id_, code, reason.c_str()));
  }
  // Ends the TCP connection without a close frame; what is queued is dropped.
  Result disconnect() const { return result(jackfield_disconnect(id_)); }

  // The value of an attribute, none when it is not set. Attributes live in the host: they survive traps and swaps.
  std::expected<std::optional<std::string>, Error> attribute(const std::string &name) const {
    jackfield_bytes value;
    jackfield_status status = jackfield_attribute(id_, name.c_str(), &value);
    if (status != JACKFIELD_OK) return std::unexpected(Error(status));
    if (!value.data) return std::nullopt;
    std::string copy(reinterpret_cast<const char *>(value.data), value.size);
    std::free(const_cast<std::uint8_t *>(value.data));
    return copy;
  }
  // Sets an attribute. JACKFIELD_TOO_LARGE: names and values together are bounded (16 KiB unless configured otherwise).
  Result set_attribute(const std::string &name, std::string_view value) const {
    return result(jackfield_set_attribute(id_, name.c_str(), value.data(), value.size()));
  }
  // Removes an attribute; ok also when it was not set.
  Result remove_attribute(const std::string &name) const { return result(jackfield_remove_attribute(id_, name.c_str())); }

  // What the host knows; none when there is no such connection.
  std::optional<Info> info() const {
    jackfield_info known;
    if (!jackfield_info_of(id_, &known)) return std::nullopt;
    Info info{known.peer, known.route, std::nullopt, known.secure, known.age_ms, known.idle_ms, known.backlog};
    if (known.protocol) info.protocol = known.protocol;
    jackfield_info_free(&known);
    return info;
  }

  friend constexpr auto operator<=>(Connection, Connection) = default;

 private:
  static Result result(jackfield_status status) {
    if (status == JACKFIELD_OK) return {};
    return std::unexpected(Error(status));
  }
  jackfield_connection id_;
};

// One HTTP field line of a request. The name is in lower case; the value may not be UTF-8.
struct Header {
  std::string_view name, value;
};

// An upgrade request that passed every check of RFC 6455 section 4.2.1. It is gone when the hook returns.
class Request {
 public:
  explicit Request(const jackfield_request &request) : request_(request) {}
  Request(const Request &) = delete;

  // The connection that asks; attributes can be set on it now.
  Connection connection() const { return Connection(request_.connection); }
  // Address and port of the peer.
  std::string_view peer() const { return view(request_.peer); }
  // Whether the connection is encrypted (wss).
  bool secure() const { return request_.secure; }
  // The Host field: host and optional port.
  std::string_view authority() const { return view(request_.authority); }
  // The path of the target, percent-encoding untouched.
  std::string_view path() const { return view(request_.path); }
  // What follows the first ? of the target; none when there is no ?.
  std::optional<std::string_view> query() const {
    if (!request_.query.data) return std::nullopt;
    return view(request_.query);
  }
  // The first field of this name, in whatever case.
  std::optional<std::string_view> header(const std::string &name) const {
    jackfield_text value;
    return found(jackfield_request_header(&request_, name.c_str(), &value), value);
  }
  // The token of `Authorization: Bearer <token>`; none also when there are several Authorization fields.
  std::optional<std::string_view> bearer_token() const {
    jackfield_text token;
    return found(jackfield_request_bearer_token(&request_, &token), token);
  }
  // The value of a cookie; of several of the same name, the first.
  std::optional<std::string_view> cookie(const std::string &name) const {
    jackfield_text value;
    return found(jackfield_request_cookie(&request_, name.c_str(), &value), value);
  }
  // Every field line, in the order received.
  std::vector<Header> headers() const {
    std::vector<Header> all;
    for (const jackfield_header &header : std::span(request_.headers, request_.header_count)) {
      all.push_back({view(header.name), {reinterpret_cast<const char *>(header.value.data), header.value.size}});
    }
    return all;
  }
  // The subprotocols offered, in the client's order of preference.
  std::vector<std::string_view> protocols() const {
    std::vector<std::string_view> all;
    for (jackfield_text offer : std::span(request_.protocols, request_.protocol_count)) all.push_back(view(offer));
    return all;
  }

 private:
  static std::string_view view(jackfield_text text) { return {text.data, text.size}; }
  static std::optional<std::string_view> found(bool found, jackfield_text text) {
    if (!found) return std::nullopt;
    return view(text);
  }
  const jackfield_request &request_;
};

// Fields for a response: names and values.
using Headers = std::vector<std::pair<std::string, std::string>>;

// Refuses an upgrade, as std::unexpected(Rejection{403, "not you\n"}). A status that is not 400 to 599 is sent as 500; the
// body as text/plain; charset=utf-8 unless the headers say otherwise.
struct Rejection {
  int status;
  std::string body = {};
  Headers headers = {};
};

// How a connection ended (RFC 6455 sections 7.1.5 and 7.1.6).
struct Ending {
  // The code received, or 1005 when the close frame had none, or 1006 when there was no close frame.
  std::uint16_t code;
  std::string_view reason;
  // Whether both close frames were exchanged.
  bool clean;
};

// The hooks. Override those you want: the groups, as they are set apart here, enter the component when one of their hooks is
// overridden. With `override`, a name or a type that is not quite a hook's is an error of the compiler.
class Plugin {
 public:
  // handshake. May an upgrade request that passed every check of the RFC go on? Then with these fields in the 101
  // response. Fails closed: a trap is answered with 500, running out of time with 503.
  virtual std::expected<Headers, Rejection> check_custom_header(const Request &) { return {}; }
  // handshake. One of the subprotocols offered, or none. Not called when none was offered. Something else is a trap.
  virtual std::optional<std::string> select_protocol(Connection, std::span<const std::string_view>) { return {}; }

  // handler. Each message, one call at a time per connection, in the order of arrival.
  virtual void business_handler(Connection, Message) {}

  // connection-events. The 101 response is on its way: the first moment to send.
  virtual void on_handshake_success(Connection) {}
  // connection-events. It ended: nothing more can be sent, attributes can still be read.
  virtual void on_disconnected(Connection, Ending) {}

  // socket-events. A socket was accepted; the route is not known yet, so this hears of every one.
  virtual void on_connected(Connection, std::string_view /*peer*/) {}
  // socket-events. A part of the upgrade request arrived; so many bytes so far.
  virtual void on_upgrade_part_receive(Connection, std::uint32_t /*received*/) {}
  // socket-events. The upgrade was refused with this HTTP status; 0 when the peer left before an answer.
  virtual void on_handshake_failure(Connection, std::uint16_t /*status*/, std::string_view /*reason*/) {}
  // socket-events. The socket is closed and the id is gone.
  virtual void on_after_remove_socket(Connection) {}
  // socket-events. Something went wrong on a socket.
  virtual void on_error(Connection, jackfield_error_kind, std::string_view /*detail*/) {}

  // health-events. These connections were found unhealthy; they are being closed.
  virtual void on_after_health_check(std::span<const Connection>) {}

  // server-events. Called once on each instance before any other hook.
  virtual void on_started() {}
  // server-events. The server is stopping, or this instance is being replaced.
  virtual void on_shutdown() {}

  // state. What the next version must know; an error keeps this one serving.
  virtual std::expected<std::string, std::string> save() { return {}; }
  // state. Called after on_started, with what `save` gave and the version that gave it; an error keeps the old one.
  virtual std::expected<void, std::string> restore(std::string_view /*from_version*/, std::string_view /*saved*/) {
    return {};
  }

 protected:
  Plugin() = default;
  Plugin(const Plugin &) = delete;
  ~Plugin() = default;
};

namespace detail {

template <class Member>
struct signature;
template <class Class, class Answer, class... Given>
struct signature<Answer (Class::*)(Given...)> {
  using type = Answer(Given...);
};

// A function, so that every hook is looked at, also behind one that is there.
constexpr bool any(auto... each) { return (each || ...); }

// Whether T's hook is another one than Plugin's.
template <class Ours, class Theirs>
constexpr bool overridden() {
  static_assert(std::is_same_v<typename signature<Ours>::type, typename signature<Theirs>::type>,
                "a hook has another type than in jackfield::Plugin: write `override` behind it to see which");
  return !std::is_same_v<Ours, Theirs>;
}
#define JACKFIELD_DETAIL_HAS(hook) overridden<decltype(&T::hook), decltype(&Plugin::hook)>()

template <class T>
constexpr bool has_handshake = any(JACKFIELD_DETAIL_HAS(check_custom_header), JACKFIELD_DETAIL_HAS(select_protocol));
template <class T>
constexpr bool has_handler = JACKFIELD_DETAIL_HAS(business_handler);
template <class T>
constexpr bool has_connection_events = any(JACKFIELD_DETAIL_HAS(on_handshake_success), JACKFIELD_DETAIL_HAS(on_disconnected));
template <class T>
constexpr bool has_socket_events =
    any(JACKFIELD_DETAIL_HAS(on_connected), JACKFIELD_DETAIL_HAS(on_upgrade_part_receive),
        JACKFIELD_DETAIL_HAS(on_handshake_failure), JACKFIELD_DETAIL_HAS(on_after_remove_socket), JACKFIELD_DETAIL_HAS(on_error));
template <class T>
constexpr bool has_health_events = JACKFIELD_DETAIL_HAS(on_after_health_check);
template <class T>
constexpr bool has_server_events = any(JACKFIELD_DETAIL_HAS(on_started), JACKFIELD_DETAIL_HAS(on_shutdown));
template <class T>
constexpr bool has_state = any(JACKFIELD_DETAIL_HAS(save), JACKFIELD_DETAIL_HAS(restore));
#undef JACKFIELD_DETAIL_HAS

// The instance's only plugin. It is never destroyed: an instance just ends.
template <class T>
T &the() {
  alignas(T) static unsigned char room[sizeof(T)];
  static T *const plugin = new (room) T;
  return *plugin;
}

inline std::string_view view(jackfield_text text) { return {text.data, text.size}; }

inline void add(jackfield_response *response, const Headers &headers) {
  for (const auto &[name, value] : headers) jackfield_response_header(response, name.c_str(), value.c_str());
}

template <class T>
void check_custom_header(const jackfield_request *request, jackfield_response *response) {
  std::expected<Headers, Rejection> answer = the<T>().check_custom_header(Request(*request));
  add(response, answer ? *answer : answer.error().headers);
  if (!answer) jackfield_reject(response, answer.error().status, answer.error().body.c_str());
}

template <class T>
int select_protocol(jackfield_connection connection, const jackfield_text *offered, std::size_t count) {
  std::vector<std::string_view> offers;
  for (jackfield_text offer : std::span(offered, count)) offers.push_back(view(offer));
  std::optional<std::string> answer = the<T>().select_protocol(Connection(connection), offers);
  if (!answer) return -1;
  for (std::size_t at = 0; at < count; at++) {
    if (offers[at] == *answer) return static_cast<int>(at);
  }
  std::fprintf(stderr, "select_protocol answered \"%s\", which the client did not offer\n", answer->c_str());
  std::abort();
}

template <class T>
void save(jackfield_state *state) {
  std::expected<std::string, std::string> answer = the<T>().save();
  if (answer) {
    jackfield_state_write(state, answer->data(), answer->size());
  } else {
    jackfield_state_fail(state, answer.error().c_str());
  }
}

template <class T>
void restore(jackfield_state *state, jackfield_text from_version, jackfield_bytes saved) {
  std::string_view text(reinterpret_cast<const char *>(saved.data), saved.size);
  std::expected<void, std::string> answer = the<T>().restore(view(from_version), text);
  if (!answer) jackfield_state_fail(state, answer.error().c_str());
}

template <class T>
constexpr jackfield_handshake handshake = {check_custom_header<T>, select_protocol<T>};
template <class T>
constexpr jackfield_handler handler = {[](jackfield_connection connection, jackfield_message message) {
  the<T>().business_handler(Connection(connection), message);
}};
template <class T>
constexpr jackfield_connection_events connection_events = {
    [](jackfield_connection connection) { the<T>().on_handshake_success(Connection(connection)); },
    [](jackfield_connection connection, jackfield_ending ending) {
      the<T>().on_disconnected(Connection(connection), {ending.code, view(ending.reason), ending.clean});
    }};
template <class T>
constexpr jackfield_socket_events socket_events = {
    [](jackfield_connection connection, jackfield_text peer) { the<T>().on_connected(Connection(connection), view(peer)); },
    [](jackfield_connection connection, std::uint32_t received) {
      the<T>().on_upgrade_part_receive(Connection(connection), received);
    },
    [](jackfield_connection connection, std::uint16_t status, jackfield_text reason) {
      the<T>().on_handshake_failure(Connection(connection), status, view(reason));
    },
    [](jackfield_connection connection) { the<T>().on_after_remove_socket(Connection(connection)); },
    [](jackfield_connection connection, jackfield_error_kind kind, jackfield_text detail) {
      the<T>().on_error(Connection(connection), kind, view(detail));
    }};
template <class T>
constexpr jackfield_health_events health_events = {[](const jackfield_connection *unhealthy, std::size_t count) {
  std::vector<Connection> connections;
  for (jackfield_connection id : std::span(unhealthy, count)) connections.emplace_back(id);
  the<T>().on_after_health_check(connections);
}};
template <class T>
constexpr jackfield_server_events server_events = {[] { the<T>().on_started(); }, [] { the<T>().on_shutdown(); }};
template <class T>
constexpr jackfield_state_hooks state = {save<T>, restore<T>};

}  // namespace detail
}  // namespace jackfield

// A reference to what brings a group into the component; none when the class has no hook of it.
#define JACKFIELD_DETAIL_GROUP(Class, group)                                              \
  extern "C" {                                                                            \
  extern const char jackfield_exports_##group;                                            \
  const struct JACKFIELD_HOOKS_##group jackfield_hooks_##group = jackfield::detail::group<Class>; \
  }                                                                                       \
  template <class T>                                                                      \
  constexpr const char *jackfield_use_##group() {                                         \
    if constexpr (jackfield::detail::has_##group<T>) {                                    \
      return &jackfield_exports_##group;                                                  \
    } else {                                                                              \
      return nullptr;                                                                     \
    }                                                                                     \
  }                                                                                       \
  __attribute__((used)) static const char *const jackfield_uses_##group = jackfield_use_##group<Class>()

// Makes a class the plugin. Once, in one file, outside of every namespace. The class has a default constructor; its
// objects are made when the first hook of an instance is called.
#define JACKFIELD_PLUGIN(Class)                                                                         \
  static_assert(std::is_base_of_v<jackfield::Plugin, Class>, #Class " is not derived from jackfield::Plugin"); \
  JACKFIELD_DETAIL_GROUP(Class, handshake);                                                             \
  JACKFIELD_DETAIL_GROUP(Class, handler);                                                               \
  JACKFIELD_DETAIL_GROUP(Class, connection_events);                                                     \
  JACKFIELD_DETAIL_GROUP(Class, socket_events);                                                         \
  JACKFIELD_DETAIL_GROUP(Class, health_events);                                                         \
  JACKFIELD_DETAIL_GROUP(Class, server_events);                                                         \
  JACKFIELD_DETAIL_GROUP(Class, state)

#endif
