// Test bench of {{ name }}: runs the images of a vector file and compares every output word with the golden one.
//
//   tb [vectors.txt [outputs.txt]]      writes what it saw to outputs.txt, when named
//
// Exit status: 0 when all agree, 1 when some word differs, 2 when the vector file cannot be read.
#include <cstdio>
#include <cstdlib>
{% if floats %}
#include <cstring>
{% endif %}
#include <string>

#include "{{ name }}.h"

namespace bf {
namespace bench {

const char *cursor = 0;  // into the text of the vector file
long mismatches = 0;
FILE *seen = 0;

bool load(const char *path, std::string &text) {
  FILE *file = std::fopen(path, "rb");
  if (!file) return false;
  char block[1 << 16];
  for (size_t n; (n = std::fread(block, 1, sizeof block, file)) > 0;) text.append(block, n);
  std::fclose(file);
  return true;
}

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r'; }

// The next word: hexadecimal digits up to a space. Lines that start with # are comments.
std::string next_word() {
  while (is_space(*cursor) || *cursor == '#') {
    if (*cursor == '#') {
      while (*cursor && *cursor != '\n') ++cursor;
    } else {
      ++cursor;
    }
  }
  const char *start = cursor;
  while (*cursor && !is_space(*cursor)) ++cursor;
  if (cursor == start) {
    std::fprintf(stderr, "the vector file ends too early\n");
    std::exit(2);
  }
  return std::string(start, cursor);
}

template <class T>
void parse(T &value) {
  const std::string digits = next_word();
  ap_uint<T::width> bits = 0;
  for (size_t at = 0; at < digits.size(); at += 15) {
    const std::string part = digits.substr(at, 15);
    bits <<= at ? 4 * static_cast<int>(part.size()) : 0;
    bits |= ap_uint<T::width>(std::strtoull(part.c_str(), 0, 16));
  }
  value = bits;
}

template <class T>
std::string hex(const T &value) {
  const ap_uint<T::width> bits = value;
  std::string digits;
  for (int low = (T::width - 1) / 4 * 4; low >= 0; low -= 4) {
    const unsigned digit = (bits >> low).to_uint() & 15;
    if (digit || !digits.empty() || low == 0) digits += "0123456789abcdef"[digit];
  }
  return digits;
}

{% if floats %}
// Floats are given by their bits.
template <class WORD, class T>
void parse_bits(T &value) {
  const WORD bits = (WORD)std::strtoull(next_word().c_str(), 0, 16);
  std::memcpy((void *)&value, &bits, sizeof value);
}
template <class WORD, class T>
std::string hex_bits(const T &value) {
  WORD bits;
  std::memcpy(&bits, &value, sizeof bits);
  return hex(ap_uint<64>(bits));
}
{% for type, word in [("float", "unsigned"), ("double", "unsigned long long"), ("half", "unsigned short")] %}
{% if type != "half" or 16 in floats %}
void parse({{ type }} &value) { parse_bits<{{ word }}>(value); }
std::string hex(const {{ type }} &value) { return hex_bits<{{ word }}>(value); }
{% endif %}
{% endfor %}

// Whether two words are the same: a float has two zeros, and all its nans are one.
template <class T>
bool same(const T &a, const T &b) {
  return a == b;
}
{% for type in ["float", "double", "half"] %}
{% if type != "half" or 16 in floats %}
bool same(const {{ type }} &a, const {{ type }} &b) {
  return (a != a && b != b) || std::memcmp(&a, &b, sizeof a) == 0;
}
{% endif %}
{% endfor %}

{% endif %}
// A memory of N words that a port is connected to.
template <class T, int N>
struct Words {
  T at[N];
  void read() {
    for (int i = 0; i < N; ++i) parse(at[i]);
  }
  void clear() {
    for (int i = 0; i < N; ++i) at[i] = 0;
  }
  void compare(const T *got, const char *port, long image, int count = N) const {
    for (int i = 0; i < N; ++i) {
      if (seen && i < count) std::fprintf(seen, i ? " %s" : "%s", hex(got[i]).c_str());
      if (i < count && {{ "same(got[i], at[i])" if floats else "got[i] == at[i]" }}) continue;
      if (mismatches++ == 0) {
        std::printf("first mismatch: image %ld, %s word %d: got %s, expected %s\n", image, port, i,
                    i < count ? hex(got[i]).c_str() : "nothing", hex(at[i]).c_str());
      }
    }
    if (seen) std::fprintf(seen, "\n");
  }
};

template <class T, int N>
void send(const Words<T, N> &words, hls::stream<T> &port) {
  for (int i = 0; i < N; ++i) port.write(words.at[i]);
}

// How many words arrived, at most N.
template <class T, int N>
int receive(hls::stream<T> &port, Words<T, N> &words) {
  int count = 0;
  while (count < N && !port.empty()) words.at[count++] = port.read();
  return count;
}

template <class T>
void expect_empty(hls::stream<T> &port, const char *title, long image) {
  for (; !port.empty(); port.read()) {
    if (mismatches++ == 0) std::printf("first mismatch: image %ld, a word is left over in %s\n", image, title);
  }
}

{% for port in ports %}
Words<{{ port.ctype }}, {{ port.words }}> {{ port.cname }}_port{% if port.written %}, {{ port.cname }}_golden{% endif %};
{% if port.streamed %}
hls::stream<{{ port.ctype }}> {{ port.cname }}_stream("{{ port.cname }}");
{% endif %}
{% endfor %}

void run(long image) {
{% for port in ports %}
  {{ port.cname }}_port.{{ "read" if port.driven else "clear" }}();
{% if port.streamed and not port.written %}
  send({{ port.cname }}_port, {{ port.cname }}_stream);
{% endif %}
{% endfor %}
  ::{{ top }}({{ calls | join(", ") }});
{% for port in ports %}
{% if port.written %}
  {{ port.cname }}_golden.read();
{% if port.streamed %}
  const int {{ port.cname }}_count = receive({{ port.cname }}_stream, {{ port.cname }}_port);
  {{ port.cname }}_golden.compare({{ port.cname }}_port.at, "{{ port.name }}", image, {{ port.cname }}_count);
{% else %}
  {{ port.cname }}_golden.compare({{ port.cname }}_port.at, "{{ port.name }}", image);
{% endif %}
{% endif %}
{% if port.streamed %}
  expect_empty({{ port.cname }}_stream, "{{ port.name }}", image);
{% endif %}
{% endfor %}
}

int simulate(const char *vectors, const char *outputs) {
  std::string text;
  if (!load(vectors, text)) {
    std::fprintf(stderr, "cannot read %s\n", vectors);
    return 2;
  }
  cursor = text.c_str();
  if (outputs && !(seen = std::fopen(outputs, "w"))) {
    std::fprintf(stderr, "cannot write %s\n", outputs);
    return 2;
  }
  const long images = std::strtol(next_word().c_str(), 0, 16);
  for (long image = 0; image < images; ++image) run(image);
  if (seen) std::fclose(seen);
  std::printf("images=%ld mismatches=%ld\n", images, mismatches);
  return mismatches ? 1 : 0;
}

}  // namespace bench
}  // namespace bf

int main(int argc, char **argv) {
  return bf::bench::simulate(argc > 1 ? argv[1] : "vectors.txt", argc > 2 ? argv[2] : 0);
}
