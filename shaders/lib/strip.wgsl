// Several words an invocation, neighbours: what does not change from word to word is loaded once. On software adapters an
// invocation costs as much as some loads.
//#include elementwise.wgsl
//#include word4.wgsl
override WORDS: u32 = 1u;
