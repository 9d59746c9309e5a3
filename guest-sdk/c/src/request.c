/* Reading an upgrade request. */

#include <jackfield.h>
#include <string.h>

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static bool same_name(jackfield_text text, const char *name) {
  size_t at = 0;
  while (at < text.size && name[at] && lower(text.data[at]) == lower(name[at])) at++;
  return at == text.size && !name[at];
}

static jackfield_text trimmed(const char *data, size_t size) {
  while (size > 0 && (*data == ' ' || *data == '\t')) data++, size--;
  while (size > 0 && (data[size - 1] == ' ' || data[size - 1] == '\t')) size--;
  jackfield_text text = {data, size};
  return text;
}

static bool field(const jackfield_request *request, const char *name, size_t *at, jackfield_text *value) {
  for (; *at < request->header_count; (*at)++) {
    const jackfield_header *header = &request->headers[*at];
    if (!same_name(header->name, name)) continue;
    value->data = (const char *)header->value.data;
    value->size = header->value.size;
    (*at)++;
    return true;
  }
  return false;
}

bool jackfield_request_header(const jackfield_request *request, const char *name, jackfield_text *value) {
  size_t at = 0;
  return field(request, name, &at, value);
}

bool jackfield_request_bearer_token(const jackfield_request *request, jackfield_text *token) {
  size_t at = 0;
  jackfield_text value, other;
  if (!field(request, "authorization", &at, &value) || field(request, "authorization", &at, &other)) return false;
  /* RFC 9110 section 11.1: the scheme is case-insensitive. */
  jackfield_text scheme = {value.data, 6};
  if (value.size < 8 || !same_name(scheme, "bearer") || value.data[6] != ' ') return false;
  *token = trimmed(value.data + 7, value.size - 7);
  return token->size > 0;
}

bool jackfield_request_cookie(const jackfield_request *request, const char *name, jackfield_text *value) {
  size_t at = 0;
  jackfield_text all;
  while (field(request, "cookie", &at, &all)) {
    while (all.size > 0) {
      const char *semicolon = memchr(all.data, ';', all.size);
      size_t size = semicolon ? (size_t)(semicolon - all.data) : all.size;
      const char *equals = memchr(all.data, '=', size);
      if (equals && jackfield_text_is(trimmed(all.data, (size_t)(equals - all.data)), name)) {
        *value = trimmed(equals + 1, size - (size_t)(equals + 1 - all.data));
        return true;
      }
      if (!semicolon) break;
      all.data += size + 1;
      all.size -= size + 1;
    }
  }
  return false;
}
