// stream_dense: written by Bitfold. The comments name the lines of Python that each line comes from.
#include "stream_dense.h"
#include "weights.h"

// stream_dense: hls_kernels.py:55
void stream_dense(hls::stream<ap_uint<49>> &x, hls::stream<ap_uint<8>> &y) {
#pragma HLS INTERFACE axis port=x
#pragma HLS INTERFACE axis port=y
#pragma HLS INTERFACE ap_ctrl_none port=return
#pragma HLS ARRAY_PARTITION variable=stream_dense_w complete dim=1
#pragma HLS ARRAY_PARTITION variable=stream_dense_t complete dim=1
  ap_uint<8> acc[8];  // hls_kernels.py:59
#pragma HLS ARRAY_PARTITION variable=acc complete dim=1
  ap_uint<49> kept[2];  // hls_kernels.py:60
  ap_uint<8> word = 0;  // hls_kernels.py:61
  int mo = 0, ko = 0;
  mo_ko: for (int step = 0; step < 8 * 2; ++step) {  // hls_kernels.py:62
#pragma HLS PIPELINE II=1
    if (mo == 0) {  // hls_kernels.py:63
      kept[ko] = x.read();  // hls_kernels.py:64
    }
    mi: for (int mi = 0; mi < 8; ++mi) {  // hls_kernels.py:65
#pragma HLS UNROLL
      if (ko == 0) {  // hls_kernels.py:66
        acc[mi] = 0;  // hls_kernels.py:67
      }
      acc[mi] += bf::popcount<49>(~(stream_dense_w[mi][mo * 2 + ko] ^ kept[ko]));  // hls_kernels.py:68
      if (ko == 1) {  // hls_kernels.py:69
        word[mi] = ap_int<9>(acc[mi]) >= stream_dense_t[mi][mo];  // hls_kernels.py:70
      }
    }
    if (ko == 1) {  // hls_kernels.py:71
      y.write(word);  // hls_kernels.py:72
    }
    if (++ko == 2) {
      ko = 0;
      ++mo;
    }
  }
}
