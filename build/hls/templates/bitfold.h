// What Bitfold's kernels need beside ap_int: popcount, Python's rounding, and constant arrays.
#ifndef BITFOLD_H
#define BITFOLD_H
{% if max_width > 1024 %}

#define AP_INT_MAX_W {{ max_width }}
{% endif %}

#include "ap_int.h"
#include "hls_stream.h"
{% if floats %}

#include <cmath>
#include <cstring>
#include <limits>
#if defined(__SYNTHESIS__)
#include "hls_math.h"
#endif
{% if 16 in floats %}
#if defined(__SYNTHESIS__) || defined(__VITIS_HLS__)
#include "hls_half.h"
#endif
{% endif %}
{% endif %}

// Define BITFOLD_LIKE_SYNTHESIS to simulate what synthesis sees where the C simulation has a shortcut.
#if defined(__SYNTHESIS__) && !defined(BITFOLD_LIKE_SYNTHESIS)
#define BITFOLD_LIKE_SYNTHESIS
#endif

namespace bf {

// The number of bits that it takes to write N.
template <int N>
struct bits {
  enum { value = 1 + bits<N / 2>::value };
};
template <>
struct bits<0> {
  enum { value = 0 };
};

// A balanced adder tree over the bits LO .. LO + N - 1 of a W-bit word.
template <int W, int LO, int N>
struct ones {
  static ap_uint<bits<N>::value> count(const ap_uint<W> &x) {
#pragma HLS INLINE
    return ones<W, LO, N / 2>::count(x) + ones<W, LO + N / 2, N - N / 2>::count(x);
  }
};
template <int W, int LO>
struct ones<W, LO, 1> {
  static ap_uint<1> count(const ap_uint<W> &x) {
#pragma HLS INLINE
    return x.test(LO);
  }
};

// How many bits of x are 1. The C simulation counts 64 at a time, with the processor's own instruction.
template <int W>
ap_uint<bits<W>::value> popcount(const ap_uint<W> &x) {
#pragma HLS INLINE
#ifdef BITFOLD_LIKE_SYNTHESIS
  return ones<W, 0, W>::count(x);
#else
  if (W <= 64) return __builtin_popcountll(x.to_uint64());
  int count = 0;
  for (int i = 0; i < W; i += 64) count += __builtin_popcountll((x >> i).to_uint64());
  return count;
#endif
}

// a // b and a % b as Python has them: rounded down, the remainder with the sign of b.
template <int W>
ap_int<W> floordiv(const ap_int<W> &a, const ap_int<W> &b) {
#pragma HLS INLINE
  const ap_int<W> quotient = a / b;
  const ap_int<W> rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? ap_int<W>(quotient - 1) : quotient;
}
template <int W>
ap_int<W> mod(const ap_int<W> &a, const ap_int<W> &b) {
#pragma HLS INLINE
  const ap_int<W> rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? ap_int<W>(rest + b) : rest;
}

// x >> amount for any amount: past the width only the sign is left.
template <class T, int A>
T shr(const T &x, const ap_uint<A> &amount) {
#pragma HLS INLINE
  return amount < T::width ? T(x >> amount.to_uint()) : T(x < 0 ? -1 : 0);
}

// Bit i of x, which is extended as far as needed.
template <class T, int A>
bool get_bit(const T &x, const ap_uint<A> &i) {
#pragma HLS INLINE
  return i < T::width ? x.test(i.to_int()) : x < 0;
}

template <class T>
T set_bit(T x, int i, bool value) {
#pragma HLS INLINE
  x[i] = value;
  return x;
}

// The bits of x from the other end: wires.
template <int W>
ap_uint<W> reverse(const ap_uint<W> &x) {
#pragma HLS INLINE
  ap_uint<W> made;
  for (int i = 0; i < W; ++i) {
#pragma HLS UNROLL
    made[i] = x.test(W - 1 - i);
  }
  return made;
}

template <class T>
T min(const T &a, const T &b) {
#pragma HLS INLINE
  return b < a ? b : a;
}
template <class T>
T max(const T &a, const T &b) {
#pragma HLS INLINE
  return b > a ? b : a;
}

template <int W>
ap_uint<W> abs(const ap_int<W> &x) {
#pragma HLS INLINE
  return x < 0 ? ap_uint<W>(-x) : ap_uint<W>(x);
}

{% if floats %}
{% include "floats.h" %}

{% endif %}
}  // namespace bf

// Constant arrays. Synthesis sees a plain array of ap_uint or ap_int. g++ would compile such an array at a
// millisecond for each element, so the C simulation fills it from native words when the program starts.
#ifdef BITFOLD_LIKE_SYNTHESIS
#define BITFOLD_HEX(width, digits) ap_uint<width>(digits, 16)
#define BITFOLD_ROM(type, name, dims) static const type name dims
#define BITFOLD_ROM_END(type, name, dims)
#else
#define BITFOLD_HEX(width, digits) digits
#define BITFOLD_ROM(type, name, dims) static const bf::word<type>::native name##_words dims
#define BITFOLD_ROM_END(type, name, dims)                   \
  static const struct name##_memory {                       \
    type data dims;                                         \
    name##_memory() { bf::fill(data, name##_words); }       \
  } name##_filled;                                          \
  static const type(&name) dims = name##_filled.data;

namespace bf {

template <bool WIDE, bool SIGNED>
struct native_word {
  typedef const char *type;
};
template <>
struct native_word<false, false> {
  typedef unsigned long long type;
};
template <>
struct native_word<false, true> {
  typedef long long type;
};
template <class T>
struct word;
template <int W>
struct word<ap_uint<W> > {
  typedef typename native_word<(W > 64), false>::type native;
};
template <int W>
struct word<ap_int<W> > {
  typedef typename native_word<(W > 64), true>::type native;
};

{% if floats %}
{% for type in ["float", "double"] %}
template <>
struct word<{{ type }}> {
  typedef {{ type }} native;
};
{% endfor %}
{% if 16 in floats %}
template <>
struct word<half> {
  typedef float native;
};
{% endif %}

{% endif %}
template <class T>
void store(T &to, const char *digits) {
  to = ap_uint<T::width>(digits, 16);
}
template <class T, class WORD>
void store(T &to, WORD value) {
  to = value;
}
template <class T, class WORD>
void fill(T &to, const WORD &from) {
  store(to, from);
}
template <class T, class WORD, unsigned N>
void fill(T (&to)[N], const WORD (&from)[N]) {
  for (unsigned i = 0; i < N; ++i) fill(to[i], from[i]);
}

}  // namespace bf
#endif

#endif  // BITFOLD_H
