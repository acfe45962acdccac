//! The functions of the driver. All of them exist since CUDA 12.0.

use std::ffi::{c_char, c_void};

use cudarc::driver::sys::{
    CUcontext, CUdevice, CUdeviceptr, CUevent, CUfunction, CUgraph, CUgraphExec, CUmemPoolProps, CUmemoryPool,
    CUmodule, CUstream, CUuuid,
};

super::functions! {
    /// The driver's functions.
    Driver of Driver {
        fn cuInit(flags: u32);
        fn cuDriverGetVersion(version: *mut i32);
        fn cuDeviceGetCount(count: *mut i32);
        fn cuDeviceGet(device: *mut CUdevice, ordinal: i32);
        fn cuDeviceGetName(name: *mut c_char, size: i32, device: CUdevice);
        fn cuDeviceGetUuid_v2(uuid: *mut CUuuid, device: CUdevice);
        fn cuDeviceGetAttribute(value: *mut i32, attribute: u32, device: CUdevice);
        fn cuDeviceTotalMem_v2(bytes: *mut usize, device: CUdevice);
        fn cuDeviceGetPCIBusId(id: *mut c_char, size: i32, device: CUdevice);
        fn cuDevicePrimaryCtxRetain(context: *mut CUcontext, device: CUdevice);
        fn cuDevicePrimaryCtxRelease_v2(device: CUdevice);
        fn cuCtxSetCurrent(context: CUcontext);
        fn cuCtxSynchronize();
        fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize);
        fn cuMemAlloc_v2(address: *mut CUdeviceptr, bytes: usize);
        fn cuMemFree_v2(address: CUdeviceptr);
        fn cuMemPoolCreate(pool: *mut CUmemoryPool, properties: *const CUmemPoolProps);
        fn cuMemPoolDestroy(pool: CUmemoryPool);
        fn cuMemAllocFromPoolAsync(address: *mut CUdeviceptr, bytes: usize, pool: CUmemoryPool, stream: CUstream);
        fn cuMemFreeAsync(address: CUdeviceptr, stream: CUstream);
        fn cuMemHostAlloc(address: *mut *mut c_void, bytes: usize, flags: u32);
        fn cuMemFreeHost(address: *mut c_void);
        fn cuMemcpyHtoDAsync_v2(to: CUdeviceptr, from: *const c_void, bytes: usize, stream: CUstream);
        fn cuMemcpyDtoHAsync_v2(to: *mut c_void, from: CUdeviceptr, bytes: usize, stream: CUstream);
        fn cuMemcpyDtoDAsync_v2(to: CUdeviceptr, from: CUdeviceptr, bytes: usize, stream: CUstream);
        fn cuStreamCreateWithPriority(stream: *mut CUstream, flags: u32, priority: i32);
        fn cuStreamDestroy_v2(stream: CUstream);
        fn cuStreamSynchronize(stream: CUstream);
        fn cuStreamWaitEvent(stream: CUstream, event: CUevent, flags: u32);
        fn cuStreamBeginCapture_v2(stream: CUstream, mode: u32);
        fn cuStreamEndCapture(stream: CUstream, graph: *mut CUgraph);
        fn cuGraphInstantiateWithFlags(ready: *mut CUgraphExec, graph: CUgraph, flags: u64);
        fn cuGraphLaunch(ready: CUgraphExec, stream: CUstream);
        fn cuGraphExecDestroy(ready: CUgraphExec);
        fn cuGraphDestroy(graph: CUgraph);
        fn cuEventCreate(event: *mut CUevent, flags: u32);
        fn cuEventDestroy_v2(event: CUevent);
        fn cuEventRecord(event: CUevent, stream: CUstream);
        fn cuEventRecordWithFlags(event: CUevent, stream: CUstream, flags: u32);
        fn cuEventQuery(event: CUevent);
        fn cuEventSynchronize(event: CUevent);
        fn cuEventElapsedTime(milliseconds: *mut f32, begin: CUevent, end: CUevent);
        fn cuModuleLoadData(module: *mut CUmodule, image: *const c_void);
        fn cuModuleUnload(module: CUmodule);
        fn cuModuleGetFunction(function: *mut CUfunction, module: CUmodule, name: *const c_char);
        fn cuFuncGetAttribute(value: *mut i32, attribute: u32, function: CUfunction);
        fn cuFuncSetAttribute(function: CUfunction, attribute: u32, value: i32);
        fn cuLaunchKernel(
            function: CUfunction, grid_x: u32, grid_y: u32, grid_z: u32, block_x: u32, block_y: u32, block_z: u32,
            shared_bytes: u32, stream: CUstream, parameters: *mut *mut c_void, extra: *mut *mut c_void,
        );
    }
}
