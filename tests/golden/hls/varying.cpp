// varying: written by Bitfold. The comments name the lines of Python that each line comes from.
#include "varying.h"

// varying: hls_kernels.py:99
void varying(const ap_uint<8> n[1], const ap_int<16> x[16], ap_int<16> y[16]) {
#pragma HLS INTERFACE ap_memory port=x
#pragma HLS INTERFACE ap_memory port=y
#pragma HLS INTERFACE ap_ctrl_hs port=return
  i: for (int i = 0; i < 16; ++i) {  // hls_kernels.py:101
    j: for (int j = 0; j < i; ++j) {  // hls_kernels.py:102
#pragma HLS LOOP_TRIPCOUNT min=0 max=15 avg=8
      k: for (int k = j; k < i; k += 3) {  // hls_kernels.py:103
#pragma HLS LOOP_TRIPCOUNT min=1 max=5 avg=2
        y[k] += x[j];  // hls_kernels.py:104
      }
    }
  }
  o: for (int o = 0; o < 5; ++o) {  // hls_kernels.py:105
    i_1: for (int i_1 = o * 3; i_1 < int(bf::min<ap_uint<4>>(o * 3 + 3, 14)); ++i_1) {  // hls_kernels.py:106
#pragma HLS LOOP_TRIPCOUNT min=2 max=3 avg=3
      y[i_1] += x[i_1];  // hls_kernels.py:107
      if (x[i_1] > 0) {  // hls_kernels.py:108
        k_1: for (int k_1 = 0; k_1 < i_1 + 1; ++k_1) {  // hls_kernels.py:109
#pragma HLS LOOP_TRIPCOUNT min=1 max=14
          y[k_1] -= 1;  // hls_kernels.py:110
        }
      }
    }
  }
  i_2: for (int i_2 = 0; i_2 < int(n[0] & 15); ++i_2) {  // hls_kernels.py:111
#pragma HLS LOOP_TRIPCOUNT min=0 max=15
    y[i_2] = 0;  // hls_kernels.py:112
  }
  while_loop: while (y[0] > 0) {  // hls_kernels.py:113
    const ap_int<16> value = bf::max<ap_int<16>>(y[0], 3);  // hls_kernels.py:114
    i_3: for (int i_3 = int(value); i_3 < 16; ++i_3) {  // hls_kernels.py:114
#pragma HLS LOOP_TRIPCOUNT min=0 max=13
      y[i_3] = 0;  // hls_kernels.py:115
    }
    y[0] = 0;  // hls_kernels.py:116
  }
}
