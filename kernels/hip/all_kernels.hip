// SPDX-License-Identifier: Apache-2.0
//
// Every kernel, as the one source of each family's code object.
#include "kernels/ops/attention_rows_hip.hip"
#include "kernels/ops/attention_tiles_hip.hip"
#include "kernels/ops/elementwise_hip.hip"
#include "kernels/ops/embed_hip.hip"
#include "kernels/ops/gated_hip.hip"
#include "kernels/ops/matmul_hip.hip"
#include "kernels/ops/matvec_hip.hip"
#include "kernels/ops/moe_hip.hip"
#include "kernels/ops/norm_hip.hip"
#include "kernels/ops/quantize_hip.hip"
#include "kernels/ops/read_hip.hip"
#include "kernels/ops/rope_hip.hip"
#include "kernels/ops/sample_hip.hip"
#include "kernels/ops/special_hip.hip"
