// SPDX-License-Identifier: Apache-2.0
//
// The list of weight formats: one row each. It instantiates every generic kernel and every test grid.
// Row X(name): DType::name, block struct Block##name with kElements and kGgufId, and decode(const Block##name&, float*).
#pragma once

#include "kernels/dtype.h"
#include "kernels/quant/floats.h"
#include "kernels/quant/iq1_m.h"
#include "kernels/quant/iq1_s.h"
#include "kernels/quant/iq2_s.h"
#include "kernels/quant/iq2_xs.h"
#include "kernels/quant/iq2_xxs.h"
#include "kernels/quant/iq3_s.h"
#include "kernels/quant/iq3_xxs.h"
#include "kernels/quant/iq4_nl.h"
#include "kernels/quant/iq4_xs.h"
#include "kernels/quant/mxfp4.h"
#include "kernels/quant/q2_k.h"
#include "kernels/quant/q3_k.h"
#include "kernels/quant/q4_0.h"
#include "kernels/quant/q4_1.h"
#include "kernels/quant/q4_k.h"
#include "kernels/quant/q5_0.h"
#include "kernels/quant/q5_1.h"
#include "kernels/quant/q5_k.h"
#include "kernels/quant/q6_k.h"
#include "kernels/quant/q8_0.h"
#include "kernels/quant/tq1_0.h"
#include "kernels/quant/tq2_0.h"

#define HEARTH_FORMATS(X)                                                                                              \
    X(BF16)                                                                                                            \
    X(F16)                                                                                                             \
    X(F32)                                                                                                             \
    X(IQ1_M)                                                                                                           \
    X(IQ1_S)                                                                                                           \
    X(IQ2_S)                                                                                                           \
    X(IQ2_XS)                                                                                                          \
    X(IQ2_XXS)                                                                                                         \
    X(IQ3_S)                                                                                                           \
    X(IQ3_XXS)                                                                                                         \
    X(IQ4_NL)                                                                                                          \
    X(IQ4_XS)                                                                                                          \
    X(MXFP4)                                                                                                           \
    X(Q2_K)                                                                                                            \
    X(Q3_K)                                                                                                            \
    X(Q4_0)                                                                                                            \
    X(Q4_1)                                                                                                            \
    X(Q4_K)                                                                                                            \
    X(Q5_0)                                                                                                            \
    X(Q5_1)                                                                                                            \
    X(Q5_K)                                                                                                            \
    X(Q6_K)                                                                                                            \
    X(Q8_0)                                                                                                            \
    X(TQ1_0)                                                                                                           \
    X(TQ2_0)
