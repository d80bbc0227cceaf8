// numbers: written by Bitfold. The comments name the lines of Python that each line comes from.
#include "numbers.h"

// dot: hls_kernels.py:119
static void dot_0(const ap_int<8> a[2][4], ap_int<16> start, ap_int<32> &result) {
#pragma HLS INLINE off
  const ap_int<16> start_value = start;  // hls_kernels.py:119
  ap_int<32> acc = start_value;  // hls_kernels.py:120
  i: for (int i = 0; i < 4; ++i) {  // hls_kernels.py:121
    acc += a[0][i] * a[1][i];  // hls_kernels.py:122
  }
  result = acc;  // hls_kernels.py:123
}

// dot: hls_kernels.py:119
static void dot_1(const ap_int<8> a[2][4], ap_int<32> &result) {
#pragma HLS INLINE off
  ap_int<32> acc = 0;  // hls_kernels.py:120
  i: for (int i = 0; i < 4; ++i) {  // hls_kernels.py:121
    acc += a[1][i] * a[1][i];  // hls_kernels.py:122
  }
  result = acc;  // hls_kernels.py:123
}

// numbers: hls_kernels.py:126
void numbers(
    const ap_int<8> x[2][4],
    ap_uint<8> scale,
    ap_int<16> start,
    ap_int<16> y[4],
    ap_int<32> &result_0,
    ap_uint<16> &result_1) {
#pragma HLS INTERFACE ap_memory port=x
#pragma HLS INTERFACE s_axilite port=scale
#pragma HLS INTERFACE s_axilite port=start
#pragma HLS INTERFACE ap_memory port=y
#pragma HLS INTERFACE s_axilite port=result_0
#pragma HLS INTERFACE s_axilite port=result_1
#pragma HLS INTERFACE s_axilite port=return
  const ap_uint<8> scale_value = scale;  // hls_kernels.py:126
  i: for (int i = 0; i < 4; ++i) {  // hls_kernels.py:127
    y[i] = x[0][i] * scale_value;  // hls_kernels.py:128
  }
  ap_int<32> dot_result;  // hls_kernels.py:129
  dot_0(x, start, dot_result);  // hls_kernels.py:129
  const ap_int<32> dot_value = dot_result;  // hls_kernels.py:129
  ap_int<32> dot_result_1;  // hls_kernels.py:129
  dot_1(x, dot_result_1);  // hls_kernels.py:129
  const ap_int<32> dot_value_1 = dot_result_1;  // hls_kernels.py:129
  result_0 = dot_value + dot_value_1;  // hls_kernels.py:129
  result_1 = scale_value * 3;  // hls_kernels.py:129
}
