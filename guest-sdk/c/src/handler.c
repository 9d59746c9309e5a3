/* The group `handler`. */
#include "group.h"

#include "generated/export_handler.c"

GROUP(handler);

void exports_jackfield_plugin_handler_business_handler(uint64_t connection, exports_jackfield_plugin_handler_message_t *message) {
  /* Text and bytes have the same form. */
  jackfield_message given = {(jackfield_kind)message->tag, message->val.binary.ptr, message->val.binary.len};
  if (jackfield_hooks_handler.business_handler) jackfield_hooks_handler.business_handler(connection, given);
  exports_jackfield_plugin_handler_message_free(message);
  end_call();
}
