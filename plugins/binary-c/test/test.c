/* The protocol, hook in and messages out, without a server. */

#include <jackfield_testing.h>

#include "../src/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                                             \
  do {                                                                                               \
    if (!(condition)) failures++, fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
  } while (0)

/* Sends bytes and checks what one message brings back; an empty answer is no message. */
static void ask(jackfield_connection connection, const void *bytes, size_t size, const void *expected, size_t expected_size,
                int line) {
  /* In memory of just this size, so that a byte too many is found by a sanitizer. */
  void *own = malloc(size);
  if (size > 0) memcpy(own, bytes, size);
  jackfield_hooks_handler.business_handler(connection, jackfield_binary_message(own, size));
  free(own);
  const jackfield_sent *sent = jackfield_testing_sent(connection);
  bool same = expected_size == 0 ? !sent
                                 : sent && sent->kind == JACKFIELD_SENT_BINARY && sent->text.size == expected_size &&
                                       memcmp(sent->text.data, expected, expected_size) == 0;
  if (!same) failures++, fprintf(stderr, "%s:%d: another answer\n", __FILE__, line);
}

#define ASK(connection, bytes, expected) \
  ask(connection, bytes, sizeof bytes - 1, expected, sizeof expected - 1, __LINE__)

int main(void) {
  jackfield_connection connection = jackfield_testing_connect("/");

  /* Sums of none, of two, of those that need more than 32 bits. */
  ASK(connection, "\0\1\1\0\0\0\0\0", "\0\1\0\0\0\0\0\10\0\0\0\0\0\0\0\0");
  ASK(connection, "\0\2\1\0\0\0\0\10\0\0\0\1\0\0\1\0", "\0\2\0\0\0\0\0\10\0\0\0\0\0\0\1\1");
  ASK(connection, "\0\2\1\0\0\0\0\10\377\377\377\377\0\0\0\2", "\0\2\0\0\0\0\0\10\0\0\0\1\0\0\0\1");
  ASK(connection, "\0\3\1\0\0\0\0\3\1\2\3", "\0\3\2\0\0\0\0\0");
  /* The check value of CRC-32. */
  ASK(connection, "\1\0\2\0\0\0\0\011123456789", "\1\0\0\0\0\0\0\4\xcb\xf4\x39\x26");

  /* Keys and values; several requests, one message. */
  ASK(connection, "\0\1\4\0\0\0\0\1k", "\0\1\3\0\0\0\0\0");
  ASK(connection, "\0\1\3\0\0\0\0\4\1k\0\1" "\0\2\4\0\0\0\0\1k", "\0\1\0\0\0\0\0\0" "\0\2\0\0\0\0\0\2\0\1");
  ASK(connection, "\0\1\3\0\0\0\0\2\1k" "\0\2\4\0\0\0\0\1k", "\0\1\0\0\0\0\0\0" "\0\2\0\0\0\0\0\0");
  ASK(connection, "\0\1\3\0\0\0\0\0", "\0\1\2\0\0\0\0\0");
  ASK(connection, "\0\1\3\0\0\0\0\2\2k", "\0\1\2\0\0\0\0\0");
  ASK(connection, "\0\1\3\0\0\0\0\2\1 ", "\0\1\2\0\0\0\0\0");
  ASK(connection, "\0\1\4\0\0\0\0\0", "\0\1\2\0\0\0\0\0");
  /* Another connection has other keys. */
  ASK(jackfield_testing_connect("/"), "\0\1\4\0\0\0\0\1k", "\0\1\3\0\0\0\0\0");

  /* An unknown operation is answered, and what follows too. */
  ASK(connection, "\0\1\11\0\0\0\0\1x" "\0\2\1\0\0\0\0\0", "\0\1\1\0\0\0\0\0" "\0\2\0\0\0\0\0\10\0\0\0\0\0\0\0\0");

  /* Frames that cannot be read: cut off, too long, a reserved byte. What came before them is answered. */
  ASK(connection, "\7", "\0\0\5\0\0\0\0\0");
  ASK(connection, "\1\2\1\0\0\0\0", "\1\2\5\0\0\0\0\0");
  ASK(connection, "\1\2\1\0\0\0\0\1", "\1\2\5\0\0\0\0\0");
  ASK(connection, "\1\2\1\0\377\377\377\377", "\1\2\5\0\0\0\0\0");
  ASK(connection, "\1\2\1\0\377\377\377\370", "\1\2\5\0\0\0\0\0");
  ASK(connection, "\1\2\1\1\0\0\0\0", "\1\2\5\0\0\0\0\0");
  ASK(connection, "\0\1\11\0\0\0\0\0" "\0\2", "\0\1\1\0\0\0\0\0" "\0\2\5\0\0\0\0\0");
  ASK(connection, "", "");

  /* The 65th request of a message is refused, and nothing behind it is looked at. */
  uint8_t many[70 * 8] = {0};
  for (size_t at = 0; at < 70; at++) many[at * 8 + 1] = (uint8_t)at, many[at * 8 + 2] = 9;
  jackfield_hooks_handler.business_handler(connection, jackfield_binary_message(many, sizeof many));
  const jackfield_sent *sent = jackfield_testing_sent(connection);
  CHECK(sent && sent->text.size == 65 * 8 && memcmp(sent->text.data + 64 * 8, "\0\100\6\0\0\0\0\0", 8) == 0);

  /* Answers that do not fit into one message come in several. */
  static uint8_t store[8 + 2 + 15000] = {0, 1, 3, 0, 0, 0, (15002 >> 8), 15002 & 0xff, 1, 'l'};
  ask(connection, store, sizeof store, "\0\1\0\0\0\0\0\0", 8, __LINE__);
  const char load[] = "\0\2\4\0\0\0\0\1l" "\0\3\4\0\0\0\0\1l" "\0\4\4\0\0\0\0\1l";
  jackfield_hooks_handler.business_handler(connection, jackfield_binary_message(load, sizeof load - 1));
  sent = jackfield_testing_sent(connection);
  CHECK(sent && sent->text.size == 2 * 15008);
  sent = jackfield_testing_sent(connection);
  CHECK(sent && sent->text.size == 15008 && sent->text.data[1] == 4);
  /* Attributes are full at 16 KiB. */
  store[9] = 'm';
  ask(connection, store, sizeof store, "\0\1\4\0\0\0\0\0", 8, __LINE__);

  /* A peer that reads too slowly gets no more, and what waited for it is not sent to the next. */
  jackfield_testing_refuse_sends(connection, JACKFIELD_BACKLOG_FULL);
  jackfield_hooks_handler.business_handler(connection, jackfield_binary_message(load, sizeof load - 1));
  CHECK(!jackfield_testing_sent(connection));
  ASK(jackfield_testing_connect("/"), "\0\1\1\0\0\0\0\0", "\0\1\0\0\0\0\0\10\0\0\0\0\0\0\0\0");

  connection = jackfield_testing_connect("/");
  jackfield_hooks_handler.business_handler(connection, jackfield_text_message("hello"));
  sent = jackfield_testing_sent(connection);
  CHECK(sent && sent->kind == JACKFIELD_SENT_CLOSE && sent->code == 1003);
  jackfield_testing_reset();
  printf("binary-c: %s\n", failures ? "FAILED" : "ok");
  return failures ? 1 : 0;
}
