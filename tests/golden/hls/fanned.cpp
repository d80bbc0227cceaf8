// spread: networks.py:50
static void spread(const ap_int<8> x[6], hls::stream<ap_int<5>> (&c)[3]) {
#pragma HLS INLINE off
  i: for (int i = 0; i < 6; ++i) {  // networks.py:51
    c[i % 3].write(ap_int<5>(x[i]));  // networks.py:52
  }
}

// middle: networks.py:55
static void middle(hls::stream<ap_int<5>> (&c)[3], hls::stream<ap_int<8>> &a, hls::stream<ap_int<16>> &b) {
#pragma HLS INLINE off
  i: for (int i = 0; i < 2; ++i) {  // networks.py:56
    j: for (int j = 0; j < 3; ++j) {  // networks.py:57
      const ap_int<5> v = c[j].read();  // networks.py:58
      if (j == 1) {  // networks.py:59
        a.write(v);  // networks.py:60
      } else {
        b.write(v * 100);  // networks.py:62
      }
    }
  }
}

// merge: networks.py:65
static void merge(hls::stream<ap_int<8>> &a, hls::stream<ap_int<16>> &b, ap_int<16> y[6]) {
#pragma HLS INLINE off
  i: for (int i = 0; i < 6; ++i) {  // networks.py:66
    if (i % 3 == 1) {  // networks.py:67
      y[i] = a.read();  // networks.py:68
    } else {
      y[i] = b.read();  // networks.py:70
    }
  }
}

// fanned: networks.py:73
void fanned(const ap_int<8> x[6], ap_int<16> y[6]) {
#pragma HLS INTERFACE ap_memory port=x
#pragma HLS INTERFACE ap_memory port=y
#pragma HLS INTERFACE ap_ctrl_hs port=return
#pragma HLS DATAFLOW
  hls::stream<ap_int<5>> c[3];  // networks.py:75
#pragma HLS STREAM variable=c depth=2
  hls::stream<ap_int<8>> a("a");  // networks.py:76
#pragma HLS STREAM variable=a depth=1
  hls::stream<ap_int<16>> b("b");  // networks.py:77
#pragma HLS STREAM variable=b depth=2
  spread(x, c);  // networks.py:78
  middle(c, a, b);  // networks.py:79
  merge(a, b, y);  // networks.py:80
}
