// network: written by Bitfold. The comments name the lines of Python that each line comes from.
#include "network.h"
#include "weights.h"

// binary_dense: dense.py:6
static void binary_dense_0(hls::stream<ap_uint<3>> &x, hls::stream<ap_uint<2>> &y) {
#pragma HLS INLINE off
#pragma HLS ARRAY_PARTITION variable=binary_dense_0_w complete dim=1
#pragma HLS ARRAY_PARTITION variable=binary_dense_0_t complete dim=1
  ap_uint<3> x_buffer[4];  // dense.py:15
  ap_uint<16> acc[2];  // dense.py:13
#pragma HLS ARRAY_PARTITION variable=acc complete dim=1
  ap_uint<2> y_word = 0;  // dense.py:16
  int m_o = 0, k_o = 0;
  m_o_k_o: for (int step = 0; step < 4 * 4; ++step) {  // dense.py:12
#pragma HLS PIPELINE II=1
    if (k_o == 0) {  // dense.py:12
      m_i_1: for (int m_i_1 = 0; m_i_1 < 2; ++m_i_1) {  // dense.py:12
#pragma HLS UNROLL
        acc[m_i_1] = 0;  // dense.py:13
      }
    }
    ap_uint<3> x_word = 0;  // dense.py:15
    if (m_o == 0) {  // dense.py:15
      x_word = x.read();  // dense.py:15
      x_buffer[k_o] = x_word;  // dense.py:15
    } else {
      x_word = x_buffer[k_o];  // dense.py:15
    }
    m_i: for (int m_i = 0; m_i < 2; ++m_i) {  // dense.py:12
#pragma HLS UNROLL
      acc[m_i] += bf::popcount<3>(~(binary_dense_0_w[m_i][m_o * 4 + k_o] ^ x_word));  // dense.py:15
    }
    if (k_o == 3) {  // dense.py:16
      y_word = 0;  // dense.py:16
      m_i_2: for (int m_i_2 = 0; m_i_2 < 2; ++m_i_2) {  // dense.py:12
#pragma HLS UNROLL
        y_word[m_i_2] = ap_int<17>(acc[m_i_2]) >= binary_dense_0_t[m_i_2][m_o];  // dense.py:16
      }
      y.write(y_word);  // dense.py:16
    }
    if (++k_o == 4) {
      k_o = 0;
      ++m_o;
    }
  }
}

// stream_width: test_streamed_text.py:29
static void stream_width_h(hls::stream<ap_uint<2>> &x, hls::stream<ap_uint<4>> &y) {
#pragma HLS INLINE off
  ap_uint<4> held = 0;  // streams.py:71
  r_n: for (int n = 0; n < 4; ++n) {  // streams.py:72
#pragma HLS PIPELINE II=1
    const ap_uint<2> taken = x.read();  // streams.py:74
    held = (held >> 2) | (ap_uint<4>(taken) << 2);  // streams.py:75
    if ((n & 1) == 1 || n == 3) {  // streams.py:76
      y.write(n == 3 ? held : held);  // streams.py:77
    }
  }
}

// binary_dense: dense.py:6
static void binary_dense_1(hls::stream<ap_uint<4>> &x, hls::stream<ap_uint<3>> &y) {
#pragma HLS INLINE off
#pragma HLS ARRAY_PARTITION variable=binary_dense_1_w complete dim=1
#pragma HLS BIND_STORAGE variable=binary_dense_1_w type=rom_1p impl=lutram
#pragma HLS ARRAY_PARTITION variable=binary_dense_1_t complete dim=1
  ap_uint<4> x_buffer[2];  // dense.py:15
  ap_uint<16> acc[3];  // dense.py:13
#pragma HLS ARRAY_PARTITION variable=acc complete dim=1
  ap_uint<3> y_word = 0;  // dense.py:16
  int m_o = 0, k_o = 0;
  m_o_k_o: for (int step = 0; step < 2 * 2; ++step) {  // dense.py:12
#pragma HLS PIPELINE II=1
    if (k_o == 0) {  // dense.py:12
      m_i_1: for (int m_i_1 = 0; m_i_1 < 3; ++m_i_1) {  // dense.py:12
#pragma HLS UNROLL
        acc[m_i_1] = 0;  // dense.py:13
      }
    }
    ap_uint<4> x_word = 0;  // dense.py:15
    if (m_o == 0) {  // dense.py:15
      x_word = x.read();  // dense.py:15
      x_buffer[k_o] = x_word;  // dense.py:15
    } else {
      x_word = x_buffer[k_o];  // dense.py:15
    }
    m_i: for (int m_i = 0; m_i < 3; ++m_i) {  // dense.py:12
#pragma HLS UNROLL
      acc[m_i] += bf::popcount<4>(~(binary_dense_1_w[m_i][m_o * 2 + k_o] ^ x_word));  // dense.py:15
    }
    if (k_o == 1) {  // dense.py:16
      y_word = 0;  // dense.py:16
      m_i_2: for (int m_i_2 = 0; m_i_2 < 3; ++m_i_2) {  // dense.py:12
#pragma HLS UNROLL
        y_word[m_i_2] = ap_int<17>(acc[m_i_2]) >= binary_dense_1_t[m_i_2][m_o];  // dense.py:16
      }
      y.write(y_word);  // dense.py:16
    }
    if (++k_o == 2) {
      k_o = 0;
      ++m_o;
    }
  }
}

// network: test_streamed_text.py:29
void network(hls::stream<ap_uint<3>> &x, hls::stream<ap_uint<3>> &y) {
#pragma HLS INTERFACE axis port=x
#pragma HLS INTERFACE axis port=y
#pragma HLS INTERFACE ap_ctrl_none port=return
#pragma HLS DATAFLOW
  hls::stream<ap_uint<2>> h("h");  // test_streamed_text.py:30
#pragma HLS STREAM variable=h depth=2
  hls::stream<ap_uint<4>> h_in("h_in");  // test_streamed_text.py:30
#pragma HLS STREAM variable=h_in depth=2
  binary_dense_0(x, h);  // test_streamed_text.py:31
  stream_width_h(h, h_in);  // test_streamed_text.py:32
  binary_dense_1(h_in, y);  // test_streamed_text.py:32
}
