/* The group `health-events`. */
#include "group.h"

#include "generated/export_health_events.c"

GROUP(health_events);

void exports_jackfield_plugin_health_events_on_after_health_check(exports_jackfield_plugin_health_events_list_connection_id_t *unhealthy) {
  if (jackfield_hooks_health_events.on_after_health_check) {
    jackfield_hooks_health_events.on_after_health_check(unhealthy->ptr, unhealthy->len);
  }
  exports_jackfield_plugin_health_events_list_connection_id_free(unhealthy);
  end_call();
}
