// The smallest plugin: every message goes back to where it came from, text as text, binary as binary.

#include <cstdio>
#include <jackfield.hpp>

struct Echo : jackfield::Plugin {
  void business_handler(jackfield::Connection connection, jackfield::Message message) override {
    jackfield::Result sent = connection.send(message);
    if (!sent) std::fprintf(stderr, "not echoed: %s\n", sent.error().what());
  }
};

JACKFIELD_PLUGIN(Echo);
