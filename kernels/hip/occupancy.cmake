# The waves a SIMD that each kind of kernel promises to leave room for, on RDNA (which has 16) and on GFX9 (which has 8 or 10), whatever else
# limits them: the first pattern that matches counts. Decoding hides the memory's latency behind many waves; matrix tiles and attention live on
# registers and shared memory. compile_family.cmake ends the build where a kernel keeps less.
set(HEARTH_OCCUPANCY
  "hearth_attention_tiles_(192|256)"      2 1
  "hearth_attention_tiles_"               3 1
  "hearth_attention_rows_(8|16|32)_8"     4 1
  "hearth_attention_rows_(8|16|32)_4"     6 1
  "hearth_attention_rows_"                6 2
  "hearth_matmul_"                        4 1
  "hearth_"                               6 2
)
