/* Reading an upgrade request, filling in the response, and the state that is carried over a swap. */

#include <jackfield_testing.h>

#include "check.h"

#include <string.h>

#define REQUEST(target, ...)                                                 \
  jackfield_testing_request(target, (const char *const[]){__VA_ARGS__},      \
                            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void targets(void) {
  jackfield_request *request = REQUEST("/chat?room=1&x", "Sec-WebSocket-Protocol", "a, b", "sec-websocket-protocol", "c");
  CHECK(jackfield_text_is(request->path, "/chat") && jackfield_text_is(request->query, "room=1&x"));
  CHECK(request->protocol_count == 3 && jackfield_text_is(request->protocols[2], "c"));
  CHECK(request->header_count == 2 && jackfield_text_is(request->headers[0].name, "sec-websocket-protocol"));
  request = REQUEST("/?", "a", "b");
  CHECK(request->query.data != NULL && request->query.size == 0);
  CHECK(REQUEST("/", "a", "b")->query.data == NULL);
}

static void fields(void) {
  jackfield_text value;
  jackfield_request *request = REQUEST("/", "X-One", "1", "x-one", "2");
  CHECK(jackfield_request_header(request, "x-ONE", &value) && jackfield_text_is(value, "1"));
  CHECK(!jackfield_request_header(request, "x-on", &value) && !jackfield_request_header(request, "x-onee", &value));
}

static bool bearer(const char *field, const char *token) {
  jackfield_text value;
  bool found = jackfield_request_bearer_token(REQUEST("/", "authorization", field), &value);
  return token ? found && jackfield_text_is(value, token) : !found;
}

static void tokens(void) {
  CHECK(bearer("Bearer abc", "abc") && bearer("bEARER   abc ", "abc"));
  CHECK(bearer("Bearer", NULL) && bearer("Bearer ", NULL) && bearer("Basic abc", NULL) && bearer("Bearerabc", NULL));
  CHECK(bearer("", NULL) && bearer("Bearer  ", NULL));
  jackfield_text value;
  CHECK(!jackfield_request_bearer_token(REQUEST("/", "authorization", "Bearer a", "authorization", "Bearer b"), &value));
  CHECK(!jackfield_request_bearer_token(REQUEST("/", "host", "x"), &value));
}

static void cookies(void) {
  jackfield_text value;
  jackfield_request *request = REQUEST("/", "cookie", "a=1; b = 2 ;c;d==x", "cookie", "a=3; e=5");
  CHECK(jackfield_request_cookie(request, "a", &value) && jackfield_text_is(value, "1"));
  CHECK(jackfield_request_cookie(request, "b", &value) && jackfield_text_is(value, "2"));
  CHECK(jackfield_request_cookie(request, "d", &value) && jackfield_text_is(value, "=x"));
  CHECK(jackfield_request_cookie(request, "e", &value) && jackfield_text_is(value, "5"));
  CHECK(!jackfield_request_cookie(request, "c", &value) && !jackfield_request_cookie(request, "f", &value));
  CHECK(!jackfield_request_cookie(request, "A", &value));
}

static void responses(void) {
  jackfield_response *response = jackfield_testing_response();
  jackfield_response_header(response, "x-a", "1");
  jackfield_response_header(response, "x-\xff", "1");
  CHECK(jackfield_testing_status(response) == 101 && jackfield_testing_body(response) == NULL);
  CHECK(strcmp(jackfield_testing_header(response, "x-a"), "1") == 0 && !jackfield_testing_header(response, "x-\xff"));
  jackfield_reject(response, 403, "first");
  jackfield_reject(response, 401, "second");
  CHECK(jackfield_testing_status(response) == 401 && strcmp(jackfield_testing_body(response), "second") == 0);
  const int wrong[] = {-1, 0, 200, 399, 600, 65936, 1 << 20};
  for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
    response = jackfield_testing_response();
    jackfield_reject(response, wrong[at], "\xff");
    CHECK(jackfield_testing_status(response) == 500 && strcmp(jackfield_testing_body(response), "") == 0);
  }
}

static void states(void) {
  jackfield_state *state = jackfield_testing_state();
  for (int at = 0; at < 1000; at++) jackfield_state_write(state, "abc", 3);
  jackfield_state_write(state, NULL, 0);
  jackfield_bytes saved = jackfield_testing_saved(state);
  CHECK(saved.size == 3000 && memcmp(saved.data + 2997, "abc", 3) == 0);
  CHECK(jackfield_testing_failure(state) == NULL);
  jackfield_state_fail(state, "\xff");
  CHECK(strcmp(jackfield_testing_failure(state), "failed") == 0);
  jackfield_state_fail(state, "not this format");
  CHECK(strcmp(jackfield_testing_failure(state), "not this format") == 0);
}

int main(void) {
  targets();
  fields();
  tokens();
  cookies();
  responses();
  states();
  jackfield_testing_reset();
  return checked("request");
}
