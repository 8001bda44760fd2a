// SPDX-License-Identifier: Apache-2.0
//
// Codebooks of the IQ and MXFP4 formats: the numbers that an index in a block stands for. They are part of the file format.
// A grid word packs the values of 8 (or, in the 3-bit grids, 4) neighbours, the first in the lowest byte.
// Source: the constants of the GGML file formats (ggml, MIT licence), taken over as plain lists of numbers.
#pragma once

#include <cstdint>

// Device code has no linker worth the name: there the tables are defined right here, once for the one file that all kernels make.
#if defined(__CUDACC__)
#define HEARTH_TABLE static __device__
#elif defined(__HIP__)
#define HEARTH_TABLE static __attribute__((device))
#elif defined(HEARTH_EXECUTOR)
#define HEARTH_TABLE static
#else
#define HEARTH_TABLE
#endif

#if defined(__CUDACC__) || defined(__HIP__) || defined(HEARTH_EXECUTOR)
#include "kernels/quant/codebook_iq1s.cpp"
#include "kernels/quant/codebooks.cpp"
#else
namespace hearth::kernels {

extern const std::int8_t kIq4nlValues[16];        ///< IQ4_NL, IQ4_XS
extern const std::int8_t kMxfp4DoubledValues[16]; ///< E2M1 values times two, so that they are whole
extern const std::uint8_t kIq2Signs[128];         ///< 7 stored sign bits to 8: the eighth makes the count of ones even
extern const std::uint64_t kIq2xxsGrid[256];      ///< magnitudes
extern const std::uint64_t kIq2xsGrid[512];       ///< magnitudes
extern const std::uint64_t kIq2sGrid[1024];       ///< magnitudes
extern const std::uint32_t kIq3xxsGrid[256];      ///< magnitudes
extern const std::uint32_t kIq3sGrid[512];        ///< magnitudes
extern const std::uint64_t kIq1sGrid[2048];       ///< signed: -1, 0, 1

} // namespace hearth::kernels

#endif
