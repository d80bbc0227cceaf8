{% if 16 in floats %}
#if defined(__SYNTHESIS__) || defined(__VITIS_HLS__)
typedef ::half half;
#else
// A 16-bit float: IEEE 754's binary16. Each operation is done in float and rounded to nearest even, which is
// what rounding the exact result once gives, since float has more than twice the digits.
class half {
  unsigned short raw;

  static unsigned short rounded(double value) {
    unsigned long long bits;
    std::memcpy(&bits, &value, sizeof bits);
    const unsigned short sign = (unsigned short)(bits >> 63 << 15);
    const int exponent = (int)(bits >> 52 & 2047) - 1023;
    unsigned long long mantissa = bits & ((1ULL << 52) - 1);
    if (exponent == 1024) return sign | 0x7c00 | (mantissa ? 0x200 : 0);
    if (exponent > 15) return sign | 0x7c00;
    if (exponent < -25) return sign;
    // Below 2 to the power of -14 the exponent stays, and the mantissa loses its leading bits.
    mantissa |= 1ULL << 52;
    const int drop = exponent < -14 ? 42 - 14 - exponent : 42;
    unsigned long long kept = mantissa >> drop;
    const unsigned long long rest = mantissa & ((1ULL << drop) - 1), tie = 1ULL << (drop - 1);
    if (rest > tie || (rest == tie && (kept & 1))) ++kept;
    const int base = exponent < -14 ? 0 : (exponent + 14) << 10;  // `kept` adds its own leading bit
    return sign | (unsigned short)(base + kept);
  }

 public:
  half(double value = 0) : raw(rounded(value)) {}
  explicit operator float() const {
    const int exponent = raw >> 10 & 31, mantissa = raw & 1023;
    float value = exponent == 31 ? (mantissa ? std::numeric_limits<float>::quiet_NaN()
                                             : std::numeric_limits<float>::infinity())
                                 : std::ldexp((float)(exponent ? mantissa | 1024 : mantissa),
                                              (exponent ? exponent : 1) - 25);
    return raw >> 15 ? -value : value;
  }
  explicit operator double() const { return (float)*this; }
  half operator-() const {
    half made;
    made.raw = raw ^ 0x8000;
    return made;
  }
  half &operator+=(const half &other) { return *this = *this + other; }
  half &operator-=(const half &other) { return *this = *this - other; }
  friend half operator+(const half &a, const half &b) { return (float)a + (float)b; }
  friend half operator-(const half &a, const half &b) { return (float)a - (float)b; }
  friend half operator*(const half &a, const half &b) { return (float)a * (float)b; }
  friend half operator/(const half &a, const half &b) { return (float)a / (float)b; }
  friend bool operator==(const half &a, const half &b) { return (float)a == (float)b; }
  friend bool operator!=(const half &a, const half &b) { return (float)a != (float)b; }
  friend bool operator<(const half &a, const half &b) { return (float)a < (float)b; }
  friend bool operator<=(const half &a, const half &b) { return (float)a <= (float)b; }
  friend bool operator>(const half &a, const half &b) { return (float)a > (float)b; }
  friend bool operator>=(const half &a, const half &b) { return (float)a >= (float)b; }
};
#endif

{% endif %}
// An integer of at most 64 bits as a float, rounded to nearest even.
template <class T, int W>
T real(const ap_int<W> &x) {
#pragma HLS INLINE
  return (T)x.to_int64();
}
template <class T, int W>
T real(const ap_uint<W> &x) {
#pragma HLS INLINE
  return (T)x.to_uint64();
}

template <class T>
T nan() {
#pragma HLS INLINE
  return (T)std::numeric_limits<float>::quiet_NaN();
}
template <class T>
T infinity() {
#pragma HLS INLINE
  return (T)std::numeric_limits<float>::infinity();
}

inline float fabs(float x) {
#pragma HLS INLINE
  return std::fabs(x);
}
inline double fabs(double x) {
#pragma HLS INLINE
  return std::fabs(x);
}
{% if 16 in floats %}
inline half fabs(const half &x) {
#pragma HLS INLINE
  return std::fabs((float)x);
}
{% endif %}

// The bits of a float as an integer and back: wires. A union is how HLS reads them.
template <class T, class WORD>
union raw {
  T value;
  WORD bits;
  raw() : bits(0) {}
};
{% for type, word, width in [("float", "unsigned", 32), ("double", "unsigned long long", 64),
                             ("half", "unsigned short", 16)] %}
{% if type != "half" or 16 in floats %}
inline ap_uint<{{ width }}> to_bits(const {{ type }} &x) {
#pragma HLS INLINE
  raw<{{ type }}, {{ word }}> word;
  word.value = x;
  return word.bits;
}
inline {{ type }} as_{{ type }}(const ap_uint<{{ width }}> &bits) {
#pragma HLS INLINE
  raw<{{ type }}, {{ word }}> word;
  word.bits = ({{ word }})bits.to_uint64();
  return word.value;
}
{% endif %}
{% endfor %}

// mantissa * 2 to the power of `exponent`, without its fraction and wrapped to T.
template <class T>
T shifted(bool negative, unsigned long long mantissa, int exponent) {
#pragma HLS INLINE
  enum { W = T::width < 64 ? 65 : T::width + 1 };
  ap_int<W> value = mantissa;
  if (exponent >= 0) {
    value = exponent < T::width ? ap_int<W>(value << exponent) : ap_int<W>(0);
  } else {
    value = exponent > -64 ? ap_int<W>(value >> -exponent) : ap_int<W>(0);
  }
  return T(negative ? ap_int<W + 1>(-value) : ap_int<W + 1>(value));
}

// x without its fraction, wrapped to T; 0 of infinity and nan.
template <class T>
T trunc(float x) {
#pragma HLS INLINE
  union {
    float value;
    unsigned bits;
  } word;  // which is how HLS reads the bits of a float
  word.value = x;
  const int exponent = word.bits >> 23 & 255;
  const unsigned mantissa = (word.bits & 0x7fffff) | 0x800000;
  return exponent == 255 ? T(0) : shifted<T>(word.bits >> 31, mantissa, exponent - 150);
}
template <class T>
T trunc(double x) {
#pragma HLS INLINE
  union {
    double value;
    unsigned long long bits;
  } word;
  word.value = x;
  const int exponent = word.bits >> 52 & 2047;
  const unsigned long long mantissa = (word.bits & ((1ULL << 52) - 1)) | 1ULL << 52;
  return exponent == 2047 ? T(0) : shifted<T>(word.bits >> 63, mantissa, exponent - 1075);
}
{% if 16 in floats %}
template <class T>
T trunc(const half &x) {
#pragma HLS INLINE
  return trunc<T>((float)x);
}
{% endif %}
{% if math %}

// Functions of floats. The C simulation computes them in double, by the C library, and rounds the result;
// synthesis has functions of its own, whose last digits may differ.
{% for name in math %}
{% set two = name == "pow" %}
{% for type in ["float", "double"] %}
inline {{ type }} {{ name }}({{ type }} x{% if two %}, {{ type }} y{% endif %}) {
#pragma HLS INLINE
#if defined(__SYNTHESIS__)
  return hls::{{ name }}(x{% if two %}, y{% endif %});
#else
  return ({{ type }})::{{ name }}((double)x{% if two %}, (double)y{% endif %});
#endif
}
{% endfor %}
{% if 16 in floats %}
inline half {{ name }}(const half &x{% if two %}, const half &y{% endif %}) {
#pragma HLS INLINE
#if defined(__SYNTHESIS__)
  return hls::{{ name }}(x{% if two %}, y{% endif %});
#else
  return (half)::{{ name }}((double)x{% if two %}, (double)y{% endif %});
#endif
}
{% endif %}
{% endfor %}
{% endif %}
