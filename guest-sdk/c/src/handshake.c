/* The group `handshake`. */
#include "answer.h"
#include "group.h"

#include "generated/export_handshake.c"

GROUP(handshake);

/* Lists are given to the hook, and taken from it, where they are: their elements have the same form. */
_Static_assert(sizeof(jackfield_header) == sizeof(jackfield_plugin_types_header_t), "form of a header");
_Static_assert(offsetof(jackfield_header, value) == offsetof(jackfield_plugin_types_header_t, value), "form of a header");
_Static_assert(sizeof(jackfield_text) == sizeof(bindings_string_t), "form of a text");

/* An empty list is not freed by the generated code. */
static bindings_string_t given_back(char *text) {
  bindings_string_t string = {(uint8_t *)text, text ? strlen(text) : 0};
  if (string.len == 0) free(text);
  return string;
}

bool exports_jackfield_plugin_handshake_check_custom_header(exports_jackfield_plugin_handshake_upgrade_request_t *request, exports_jackfield_plugin_handshake_list_header_t *ret, exports_jackfield_plugin_handshake_rejection_t *err) {
  jackfield_request given = {
      .connection = request->connection,
      .peer = text_of(&request->peer),
      .secure = request->secure,
      .authority = text_of(&request->authority),
      .path = text_of(&request->path),
      .query = request->query.is_some ? text_of(&request->query.val) : (jackfield_text){NULL, 0},
      .headers = (const jackfield_header *)request->headers.ptr,
      .header_count = request->headers.len,
      .protocols = (const jackfield_text *)request->protocols.ptr,
      .protocol_count = request->protocols.len,
  };
  jackfield_response response = {0};
  if (jackfield_hooks_handshake.check_custom_header) jackfield_hooks_handshake.check_custom_header(&given, &response);
  exports_jackfield_plugin_handshake_upgrade_request_free(request);
  end_call();
  jackfield_plugin_types_list_header_t headers = {(jackfield_plugin_types_header_t *)response.headers, response.header_count};
  for (size_t at = 0; at < headers.len; at++) {
    if (headers.ptr[at].name.len == 0) free(headers.ptr[at].name.ptr);
    if (headers.ptr[at].value.len == 0) free(headers.ptr[at].value.ptr);
  }
  if (response.status == 0) {
    ret->ptr = headers.ptr;
    ret->len = headers.len;
    return true;
  }
  err->status = response.status;
  err->headers = headers;
  err->body = given_back(response.body);
  return false;
}

bool exports_jackfield_plugin_handshake_select_protocol(uint64_t connection, bindings_list_string_t *offered, bindings_string_t *ret) {
  int chosen = -1;
  if (jackfield_hooks_handshake.select_protocol) {
    chosen = jackfield_hooks_handshake.select_protocol(connection, (const jackfield_text *)offered->ptr, offered->len);
  }
  bool is_some = chosen >= 0 && (size_t)chosen < offered->len;
  if (is_some) *ret = given_back(jackfield_copy_text(text_of(&offered->ptr[chosen])));
  bindings_list_string_free(offered);
  end_call();
  return is_some;
}
