/* The host inside a component: the generated imports, with the SDK's types. */

#include "generated/bindings.h"
#include "host.h"

#include <stdlib.h>

#ifdef __wasm__
/* What `jackfield check` says about the component. */
__asm__(".section .custom_section.jackfield.sdk,\"\",@\n"
        ".ascii \"jackfield-guest 0.1.0 (C)\"\n");
#endif

/* The cases of the contract's enums, in its order. */
static const jackfield_status SEND[] = {JACKFIELD_GONE, JACKFIELD_BACKLOG_FULL, JACKFIELD_TOO_LARGE,
                                        JACKFIELD_FRAGMENT_ORDER, JACKFIELD_CONTROL_TOO_LARGE};
static const jackfield_status CLOSE[] = {JACKFIELD_GONE, JACKFIELD_INVALID_CODE};
static const jackfield_status ATTRIBUTE[] = {JACKFIELD_GONE, JACKFIELD_TOO_LARGE};

static bindings_string_t string_of(jackfield_text text) {
  return (bindings_string_t){(uint8_t *)text.data, text.size};
}

static bindings_list_u8_t list_of(jackfield_bytes bytes) {
  return (bindings_list_u8_t){(uint8_t *)bytes.data, bytes.size};
}

static jackfield_plugin_connections_message_t variant_of(jackfield_message message) {
  jackfield_plugin_connections_message_t variant = {.tag = (uint8_t)message.kind};
  variant.val.binary = (bindings_list_u8_t){(uint8_t *)message.data, message.size};
  return variant;
}

static char *taken(bindings_string_t string) {
  char *copy = jackfield_copy_text((jackfield_text){(const char *)string.ptr, string.len});
  bindings_string_free(&string);
  return copy;
}

jackfield_status host_send(jackfield_connection connection, jackfield_message message) {
  jackfield_plugin_connections_message_t variant = variant_of(message);
  jackfield_plugin_connections_send_error_t error;
  return jackfield_plugin_connections_send(connection, &variant, &error) ? JACKFIELD_OK : SEND[error];
}

jackfield_status host_send_uncompressed(jackfield_connection connection, jackfield_message message) {
  jackfield_plugin_connections_message_t variant = variant_of(message);
  jackfield_plugin_connections_send_error_t error;
  return jackfield_plugin_connections_send_uncompressed(connection, &variant, &error) ? JACKFIELD_OK : SEND[error];
}

jackfield_status host_send_fragment(jackfield_connection connection, jackfield_message part, bool last) {
  jackfield_plugin_connections_message_t variant = variant_of(part);
  jackfield_plugin_connections_send_error_t error;
  return jackfield_plugin_connections_send_fragment(connection, &variant, last, &error) ? JACKFIELD_OK : SEND[error];
}

jackfield_status host_ping(jackfield_connection connection, jackfield_bytes payload) {
  bindings_list_u8_t list = list_of(payload);
  jackfield_plugin_connections_send_error_t error;
  return jackfield_plugin_connections_ping(connection, &list, &error) ? JACKFIELD_OK : SEND[error];
}

jackfield_status host_pong(jackfield_connection connection, jackfield_bytes payload) {
  bindings_list_u8_t list = list_of(payload);
  jackfield_plugin_connections_send_error_t error;
  return jackfield_plugin_connections_pong(connection, &list, &error) ? JACKFIELD_OK : SEND[error];
}

jackfield_status host_close(jackfield_connection connection, uint16_t code, jackfield_text reason) {
  bindings_string_t string = string_of(reason);
  jackfield_plugin_connections_close_error_t error;
  return jackfield_plugin_connections_close(connection, code, &string, &error) ? JACKFIELD_OK : CLOSE[error];
}

jackfield_status host_disconnect(jackfield_connection connection) {
  jackfield_plugin_connections_close_error_t error;
  return jackfield_plugin_connections_disconnect(connection, &error) ? JACKFIELD_OK : CLOSE[error];
}

jackfield_status host_attribute(jackfield_connection connection, jackfield_text name, jackfield_bytes *value) {
  bindings_string_t string = string_of(name);
  bindings_option_list_u8_t found;
  jackfield_plugin_connections_attribute_error_t error;
  if (!jackfield_plugin_connections_attribute(connection, &string, &found, &error)) return ATTRIBUTE[error];
  if (!found.is_some) return JACKFIELD_OK;
  /* An empty list has no memory of its own; one that is set must not look as if it was not. */
  value->data = found.val.len > 0 ? found.val.ptr : (uint8_t *)jackfield_copy_text((jackfield_text){"", 0});
  value->size = found.val.len;
  return JACKFIELD_OK;
}

jackfield_status host_set_attribute(jackfield_connection connection, jackfield_text name, jackfield_bytes value) {
  bindings_string_t string = string_of(name);
  bindings_list_u8_t list = list_of(value);
  jackfield_plugin_connections_attribute_error_t error;
  return jackfield_plugin_connections_set_attribute(connection, &string, &list, &error) ? JACKFIELD_OK : ATTRIBUTE[error];
}

jackfield_status host_remove_attribute(jackfield_connection connection, jackfield_text name) {
  bindings_string_t string = string_of(name);
  jackfield_plugin_connections_attribute_error_t error;
  return jackfield_plugin_connections_remove_attribute(connection, &string, &error) ? JACKFIELD_OK : ATTRIBUTE[error];
}

bool host_info(jackfield_connection connection, jackfield_info *info) {
  jackfield_plugin_connections_connection_info_t known;
  if (!jackfield_plugin_connections_info(connection, &known)) return false;
  info->peer = taken(known.peer);
  info->route = taken(known.route);
  info->protocol = known.protocol.is_some ? taken(known.protocol.val) : NULL;
  info->secure = known.secure;
  info->age_ms = known.age_ms;
  info->idle_ms = known.idle_ms;
  info->backlog = known.backlog;
  return true;
}
