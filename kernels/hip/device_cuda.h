// SPDX-License-Identifier: Apache-2.0
//
// device.h on NVIDIA, for nvcc. This is how the kernels are executed and timed where no AMD card is; owners of such a card may use it too.
// Instructions: NVIDIA, "Parallel Thread Execution ISA".
#pragma once

#define HEARTH_DEVICE static __device__ __forceinline__
#define HEARTH_METHOD __device__ __forceinline__
#define HEARTH_SHARED __shared__
#define HEARTH_KERNEL(name, Args, threads)                                                                                                \
    extern "C" __global__ void __launch_bounds__(threads) name(const __grid_constant__ Args args)

#define HEARTH_BIG_KERNEL(name, Args, threads) HEARTH_KERNEL(name, Args, threads)
#define HEARTH_FULL_KERNEL(name, Args, threads)                                                                                           \
    extern "C" __global__ void __launch_bounds__(threads, 2) name(const __grid_constant__ Args args)

namespace hearth::kernels {

constexpr int kWaveSize = 32;
constexpr int kLoadsInFlight = 4;

struct alignas(16) Int4 {
    int x, y, z, w;
};
struct alignas(8) Int2 {
    int x, y;
};
struct alignas(16) Float4 {
    float x, y, z, w;
};

HEARTH_DEVICE int threadInBlock() {
    return static_cast<int>(threadIdx.x);
}
HEARTH_DEVICE int blockX() {
    return static_cast<int>(blockIdx.x);
}
HEARTH_DEVICE int blockY() {
    return static_cast<int>(blockIdx.y);
}
HEARTH_DEVICE int blockZ() {
    return static_cast<int>(blockIdx.z);
}
HEARTH_DEVICE int gridX() {
    return static_cast<int>(gridDim.x);
}
HEARTH_DEVICE void blockBarrier() {
    __syncthreads();
}
HEARTH_DEVICE int laneId() {
    return static_cast<int>(threadIdx.x) % kWaveSize;
}
HEARTH_DEVICE int shuffle(int value, int lane) {
    return __shfl_sync(0xffffffffu, value, lane);
}
HEARTH_DEVICE float shuffle(float value, int lane) {
    return __shfl_sync(0xffffffffu, value, lane);
}
HEARTH_DEVICE int shuffleXor(int value, int mask) {
    return __shfl_xor_sync(0xffffffffu, value, mask);
}
HEARTH_DEVICE float shuffleXor(float value, int mask) {
    return __shfl_xor_sync(0xffffffffu, value, mask);
}
HEARTH_DEVICE std::uint64_t waveBallot(bool value) {
    return __ballot_sync(0xffffffffu, value);
}
HEARTH_DEVICE int dot4(int a, int b, int c) {
    return __dp4a(a, b, c);
}
HEARTH_DEVICE int lookUpBytes(int t0, int t1, int t2, int t3, int indices) {
    int nibbles = (indices | indices >> 4) & 0x00ff00ff;
    nibbles = (nibbles | nibbles >> 8) & 0xffff;
    const unsigned low = __byte_perm(static_cast<unsigned>(t0), static_cast<unsigned>(t1), static_cast<unsigned>(nibbles));
    const unsigned high = __byte_perm(static_cast<unsigned>(t2), static_cast<unsigned>(t3), static_cast<unsigned>(nibbles));
    return static_cast<int>(__byte_perm(low, high, 0x3210u | static_cast<unsigned>(nibbles & 0x8888) >> 1));
}
HEARTH_DEVICE float halfBitsToFloat(std::uint16_t bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}
HEARTH_DEVICE std::uint16_t floatToHalfBits(float value) {
    std::uint16_t bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
HEARTH_DEVICE float exp2Of(float x) {
    float value;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(value) : "f"(x));
    return value;
}
HEARTH_DEVICE float logOf(float x) {
    return __logf(x);
}
HEARTH_DEVICE float reciprocal(float x) {
    return 1.0f / x;
}
HEARTH_DEVICE float inverseSqrt(float x) {
    return rsqrtf(x);
}
HEARTH_DEVICE float squareRoot(float x) {
    return sqrtf(x);
}
HEARTH_DEVICE float fusedMultiplyAdd(float a, float b, float c) {
    return fmaf(a, b, c);
}
HEARTH_DEVICE float roundToEven(float x) {
    return rintf(x);
}
HEARTH_DEVICE Int4 loadOnce(const Int4* from) {
    // volatile: in the order of the source. Left free, ptxas issues each load shortly before its use, and a lane has one on the way at a time
    // (a gated product of Q4_K took 33 us instead of 27 on an H100).
    Int4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.s32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(from));
    return v;
}
HEARTH_DEVICE Int4 loadFields(const Int4* from) {
    return *from;
}
HEARTH_DEVICE void storeFields(Int4* to, const Int4& value) {
    *to = value;
}
HEARTH_DEVICE int atomicAddTo(int* target, int value) {
    return atomicAdd(target, value);
}
HEARTH_DEVICE void schedulingFence() {} // nvcc does not run out of registers here
HEARTH_DEVICE void deviceFence() {
    __threadfence();
}

// --- matrix tiles: mma.m16n8k16 twice, operands by ldmatrix --------------------------------------------------------------
constexpr int kAccumulators = 8;
constexpr int kMatrixUnroll = 4;
struct FragmentC {
    float v[8];
};
struct FragmentA {
    unsigned r[4];
};
struct FragmentB {
    unsigned r[4]; ///< 8 x 8 quarters: (n 0-7, k 0-7), (n 8-15, k 0-7), (n 0-7, k 8-15), (n 8-15, k 8-15)
};
template <typename Fragment>
HEARTH_DEVICE void loadFragment(Fragment& fragment, const std::uint16_t* tile, int stride) {
    const int lane = laneId();
    const std::uint16_t* row = tile + lane % 16 * stride + lane / 16 * 8;
    const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(fragment.r[0]), "=r"(fragment.r[1]), "=r"(fragment.r[2]), "=r"(fragment.r[3])
                 : "r"(address)
                 : "memory");
}
HEARTH_DEVICE void multiplyAdd(FragmentC& c, const FragmentA& a, const FragmentB& b) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                     : "+f"(c.v[half * 4]), "+f"(c.v[half * 4 + 1]), "+f"(c.v[half * 4 + 2]), "+f"(c.v[half * 4 + 3])
                     : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b.r[half]), "r"(b.r[half + 2]));
    }
}
HEARTH_DEVICE int rowOf(int i) {
    return laneId() / 4 + (i % 4 / 2) * 8;
}
HEARTH_DEVICE int colOf(int i) {
    return laneId() % 4 * 2 + i % 2 + i / 4 * 8;
}

} // namespace hearth::kernels
