// network: written by Bitfold. The comments name the lines of Python that each line comes from.
#include "network.h"
#include "weights.h"

// hidden: hls_kernels.py:75
static void hidden(const ap_uint<1> x[98], ap_uint<1> y[64]) {
#pragma HLS INLINE off
  m: for (int m = 0; m < 64; ++m) {  // hls_kernels.py:77
    ap_uint<16> acc = 0;  // hls_kernels.py:78
    k: for (int k = 0; k < 98; ++k) {  // hls_kernels.py:79
      acc += ~(hidden_w[m][k] ^ x[k]);  // hls_kernels.py:80
    }
    y[m] = ap_int<17>(acc) >= hidden_t[m];  // hls_kernels.py:81
  }
}

// scores: hls_kernels.py:84
static void scores(const ap_uint<1> x[64], ap_int<8> s[10]) {
#pragma HLS INLINE off
  m: for (int m = 0; m < 10; ++m) {  // hls_kernels.py:86
    ap_int<8> acc = 0;  // hls_kernels.py:87
    k: for (int k = 0; k < 64; ++k) {  // hls_kernels.py:88
      acc += ~(scores_w[m][k] ^ x[k]);  // hls_kernels.py:89
    }
    s[m] = acc;  // hls_kernels.py:90
  }
}

// network: hls_kernels.py:93
void network(const ap_uint<1> x[98], ap_int<8> s[10]) {
#pragma HLS INTERFACE ap_memory port=x
#pragma HLS INTERFACE ap_memory port=s
#pragma HLS INTERFACE ap_ctrl_hs port=return
  ap_uint<1> h[64];  // hls_kernels.py:94
  hidden(x, h);  // hls_kernels.py:95
  scores(h, s);  // hls_kernels.py:96
}
