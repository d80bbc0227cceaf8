// binary_dense: written by Bitfold. The comments name the lines of Python that each line comes from.
#include "binary_dense.h"
#include "weights.h"

// binary_dense: hls_kernels.py:41
void binary_dense(const ap_uint<49> x[2], ap_uint<1> y[64]) {
#pragma HLS INTERFACE ap_memory port=x
#pragma HLS INTERFACE ap_memory port=y
#pragma HLS INTERFACE ap_ctrl_hs port=return
#pragma HLS ARRAY_PARTITION variable=binary_dense_w cyclic factor=8 dim=1
#pragma HLS ARRAY_PARTITION variable=binary_dense_w complete dim=2
#pragma HLS ARRAY_PARTITION variable=binary_dense_t complete dim=1
  ap_uint<16> acc[8];  // hls_kernels.py:45
#pragma HLS ARRAY_PARTITION variable=acc complete dim=1
  int mo = 0, ko = 0;
  mo_ko: for (int step = 0; step < 8 * 2; ++step) {  // hls_kernels.py:46
#pragma HLS PIPELINE II=1
    mi: for (int mi = 0; mi < 8; ++mi) {  // hls_kernels.py:47
#pragma HLS UNROLL
      if (ko == 0) {  // hls_kernels.py:48
        acc[mi] = 0;  // hls_kernels.py:49
      }
      acc[mi] += bf::popcount<49>(~(binary_dense_w[mo * 8 + mi][ko] ^ x[ko]));  // hls_kernels.py:50
      if (ko == 1) {  // hls_kernels.py:51
        y[mo * 8 + mi] = ap_int<17>(acc[mi]) >= binary_dense_t[mi][mo];  // hls_kernels.py:52
      }
    }
    if (++ko == 2) {
      ko = 0;
      ++mo;
    }
  }
}
