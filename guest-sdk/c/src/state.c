/* The group `state`. */
#include "answer.h"
#include "group.h"

#include "generated/export_state.c"

GROUP(state);

static bindings_string_t given_back(char *text) {
  bindings_string_t string = {(uint8_t *)text, strlen(text)};
  if (string.len == 0) free(text);
  return string;
}

bool exports_jackfield_plugin_state_save(bindings_list_u8_t *ret, bindings_string_t *err) {
  jackfield_state state = {0};
  if (jackfield_hooks_state.save) jackfield_hooks_state.save(&state);
  end_call();
  if (state.failure) {
    free(state.data);
    *err = given_back(state.failure);
    return false;
  }
  ret->ptr = state.data;
  ret->len = state.size;
  return true;
}

bool exports_jackfield_plugin_state_restore(bindings_string_t *from_version, bindings_list_u8_t *saved, bindings_string_t *err) {
  jackfield_state state = {0};
  jackfield_bytes bytes = {saved->ptr, saved->len};
  if (jackfield_hooks_state.restore) jackfield_hooks_state.restore(&state, text_of(from_version), bytes);
  bindings_string_free(from_version);
  bindings_list_u8_free(saved);
  end_call();
  free(state.data);
  if (!state.failure) return true;
  *err = given_back(state.failure);
  return false;
}
