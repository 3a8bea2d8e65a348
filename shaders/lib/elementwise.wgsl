// One element an invocation; 64 invocations a workgroup.
//#include grid.wgsl
const WORKGROUP: u32 = 64u;

fn element_index(group: vec3<u32>, groups: vec3<u32>, local: u32) -> u32 {
    return group_index(group, groups) * WORKGROUP + local;
}
