;; What stands between a plugin in Go and the host. Go's compiler knows WASI preview 1 only; this answers those calls by the
;; few functions of WASI 0.2 that a plugin has: output, clocks, waiting and randomness. Files, arguments, environment and
;; sockets are not there.
;;
;; It also is the memory that the host writes into (`jackfield_realloc`, exported by the plugin as `cabi_realloc`). That may
;; not be Go's: while the host is asking for memory, nothing may leave the component, and Go's collector, once it starts
;; there, reads the clock, which ends the instance ("cannot leave component instance"). So it is a piece of memory that Go
;; does not know of, given back as a whole (`jackfield_reset`) when Go has copied what was in it.
;;
;; Addresses below 12288 are not used by Go (wasmMinDataAddr in its linker); 1024 to 1039 are for results here.
(module
  (import "env" "memory" (memory 0))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $get_stdout (result i32)))
  (import "wasi:cli/stderr@0.2.0" "get-stderr" (func $get_stderr (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop_pollable (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $monotonic_now (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $subscribe (param i64) (result i32)))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall_now (param i32)))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))

  ;; ------------------------------------------------------------------------------------------------- the arena

  ;; Where Go keeps its idea of the end of memory (runtime.bloc and runtime.blocMax, 8 bytes each).
  (global $bloc (mut i32) (i32.const 0))
  (global $bloc_max (mut i32) (i32.const 0))
  (global $base (mut i32) (i32.const 0))
  (global $top (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))

  (func (export "jackfield_arena") (param $bloc i32) (param $bloc_max i32)
    (global.set $bloc (local.get $bloc))
    (global.set $bloc_max (local.get $bloc_max)))

  ;; Everything in the arena was copied.
  (func (export "jackfield_reset")
    (global.set $top (global.get $base)))

  (func $realloc (export "jackfield_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (if (i32.eqz (global.get $bloc)) (then (unreachable)))
    (local.set $at (call $aligned (global.get $top) (local.get $align)))
    ;; Written without additions that could wrap.
    (if (i32.or
          (i32.gt_u (local.get $at) (global.get $end))
          (i32.gt_u (local.get $size) (i32.sub (global.get $end) (local.get $at))))
      (then
        (call $enlarge (local.get $size))
        (local.set $at (call $aligned (global.get $top) (local.get $align)))))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (if (local.get $old_size)
      (then
        (memory.copy (local.get $at) (local.get $old)
          (select (local.get $old_size) (local.get $size) (i32.lt_u (local.get $old_size) (local.get $size))))))
    (local.get $at))

  (func $aligned (param $at i32) (param $align i32) (result i32)
    (i32.and
      (i32.add (local.get $at) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))

  ;; A new arena with room for this, and for twice the old one: from where Go believes that memory ends to where it does end.
  ;; Go goes on behind it. The old one is lost; together they are less than the last.
  (func $enlarge (param $size i32)
    (local $want i64) (local $start i64) (local $room i64)
    (local.set $want (i64.add (i64.extend_i32_u (local.get $size)) (i64.const 65536)))
    (local.set $room (i64.shl (i64.extend_i32_u (i32.sub (global.get $end) (global.get $base))) (i64.const 1)))
    (if (i64.lt_u (local.get $want) (local.get $room)) (then (local.set $want (local.get $room))))
    (local.set $start (i64.load (global.get $bloc_max)))
    (local.set $room (i64.sub (call $memory_end) (local.get $start)))
    (if (i64.lt_s (local.get $room) (local.get $want))
      (then
        (if (i32.eq
              (memory.grow (i32.wrap_i64 (i64.shr_u
                (i64.add (i64.sub (local.get $want) (local.get $room)) (i64.const 65535)) (i64.const 16))))
              (i32.const -1))
          (then (unreachable)))))
    (global.set $base (i32.wrap_i64 (local.get $start)))
    (global.set $top (global.get $base))
    ;; The last byte of 4 GiB is given up, so that an end fits in 32 bits.
    (global.set $end (i32.wrap_i64 (i64.sub (call $memory_end) (i64.const 8))))
    (i64.store (global.get $bloc) (call $memory_end))
    (i64.store (global.get $bloc_max) (call $memory_end)))

  (func $memory_end (result i64)
    (i64.shl (i64.extend_i32_u (memory.size)) (i64.const 16)))

  ;; ------------------------------------------------------------------------------------------------ output

  (global $stdout (mut i32) (i32.const -1))
  (global $stderr (mut i32) (i32.const -1))

  (func $stream (param $fd i32) (result i32)
    (if (i32.eq (local.get $fd) (i32.const 1))
      (then
        (if (i32.eq (global.get $stdout) (i32.const -1)) (then (global.set $stdout (call $get_stdout))))
        (return (global.get $stdout))))
    (if (i32.eq (global.get $stderr) (i32.const -1)) (then (global.set $stderr (call $get_stderr))))
    (global.get $stderr))

  ;; errno: 8 is badf, 29 io.
  (func (export "fd_write") (param $fd i32) (param $iovs i32) (param $count i32) (param $written i32) (result i32)
    (local $stream i32) (local $data i32) (local $left i32) (local $part i32) (local $total i32)
    (if (i32.or (i32.eqz (local.get $fd)) (i32.gt_u (local.get $fd) (i32.const 2))) (then (return (i32.const 8))))
    (local.set $stream (call $stream (local.get $fd)))
    (block $done
      (loop $each
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $data (i32.load (local.get $iovs)))
        (local.set $left (i32.load offset=4 (local.get $iovs)))
        (block $next
          (loop $more
            (br_if $next (i32.eqz (local.get $left)))
            ;; blocking-write-and-flush takes at most 4096 bytes.
            (local.set $part (select (local.get $left) (i32.const 4096) (i32.lt_u (local.get $left) (i32.const 4096))))
            (call $write (local.get $stream) (local.get $data) (local.get $part) (i32.const 1024))
            (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 29))))
            (local.set $data (i32.add (local.get $data) (local.get $part)))
            (local.set $left (i32.sub (local.get $left) (local.get $part)))
            (local.set $total (i32.add (local.get $total) (local.get $part)))
            (br $more)))
        (local.set $iovs (i32.add (local.get $iovs) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $each)))
    (i32.store (local.get $written) (local.get $total))
    (i32.const 0))

  ;; A panic has been printed by now.
  (func (export "proc_exit") (param i32) (unreachable))

  ;; ------------------------------------------------------------------------------------------ time, randomness

  ;; 0 is the wall clock, everything else is counted from somewhere.
  (func (export "clock_time_get") (param $id i32) (param $precision i64) (param $time i32) (result i32)
    (if (local.get $id)
      (then (i64.store (local.get $time) (call $monotonic_now)))
      (else
        (call $wall_now (i32.const 1024))
        (i64.store (local.get $time)
          (i64.add
            (i64.mul (i64.load (i32.const 1024)) (i64.const 1000000000))
            (i64.extend_i32_u (i32.load (i32.const 1032)))))))
    (i32.const 0))

  (func (export "random_get") (param $data i32) (param $size i32) (result i32)
    (local $bits i64)
    (block $rest
      (loop $more
        (br_if $rest (i32.lt_u (local.get $size) (i32.const 8)))
        (i64.store (local.get $data) (call $random))
        (local.set $data (i32.add (local.get $data) (i32.const 8)))
        (local.set $size (i32.sub (local.get $size) (i32.const 8)))
        (br $more)))
    (if (local.get $size) (then (local.set $bits (call $random))))
    (block $done
      (loop $more
        (br_if $done (i32.eqz (local.get $size)))
        (i64.store8 (local.get $data) (local.get $bits))
        (local.set $bits (i64.shr_u (local.get $bits) (i64.const 8)))
        (local.set $data (i32.add (local.get $data) (i32.const 1)))
        (local.set $size (i32.sub (local.get $size) (i32.const 1)))
        (br $more)))
    (i32.const 0))

  ;; Waits for the first clock among the subscriptions (48 bytes each: user data, tag at 8, time at 24, flags at 40); there is
  ;; nothing else to wait for. 28 is inval.
  (func (export "poll_oneoff") (param $in i32) (param $out i32) (param $count i32) (param $happened i32) (result i32)
    (local $at i32) (local $best i32) (local $time i64) (local $least i64) (local $pollable i32)
    (local.set $at (local.get $in))
    (local.set $least (i64.const 0x7fffffffffffffff))
    (block $found
      (loop $each
        (br_if $found (i32.eqz (local.get $count)))
        (if (i32.eqz (i32.load8_u offset=8 (local.get $at)))
          (then
            (local.set $time (i64.load offset=24 (local.get $at)))
            ;; Absolute: what is left of it.
            (if (i32.and (i32.load16_u offset=40 (local.get $at)) (i32.const 1))
              (then (local.set $time (i64.sub (local.get $time) (call $monotonic_now)))))
            (if (i64.lt_s (local.get $time) (i64.const 0)) (then (local.set $time (i64.const 0))))
            (if (i32.or (i32.eqz (local.get $best)) (i64.lt_s (local.get $time) (local.get $least)))
              (then
                (local.set $best (local.get $at))
                (local.set $least (local.get $time))))))
        (local.set $at (i32.add (local.get $at) (i32.const 48)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $each)))
    (if (i32.eqz (local.get $best)) (then (return (i32.const 28))))
    (if (i64.gt_s (local.get $least) (i64.const 0))
      (then
        (local.set $pollable (call $subscribe (local.get $least)))
        (call $block (local.get $pollable))
        (call $drop_pollable (local.get $pollable))))
    (i64.store (local.get $out) (i64.load (local.get $best)))
    (i64.store offset=8 (local.get $out) (i64.const 0))
    (i32.store (local.get $happened) (i32.const 1))
    (i32.const 0))

  (func (export "sched_yield") (result i32) (i32.const 0))

  ;; ------------------------------------------------------------------------------- what is empty, or not there

  (func $none (param $count i32) (param $size i32) (result i32)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $size) (i32.const 0))
    (i32.const 0))
  (export "args_sizes_get" (func $none))
  (export "environ_sizes_get" (func $none))
  (func $nothing (param i32 i32) (result i32) (i32.const 0))
  (export "args_get" (func $nothing))
  (export "environ_get" (func $nothing))

  ;; Standard input has ended; the standard files are terminals (2) that may do everything.
  (func (export "fd_read") (param $fd i32) (param i32 i32) (param $read i32) (result i32)
    (if (local.get $fd) (then (return (i32.const 8))))
    (i32.store (local.get $read) (i32.const 0))
    (i32.const 0))
  (func (export "fd_fdstat_get") (param $fd i32) (param $stat i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (i64.store (local.get $stat) (i64.const 2))
    (i64.store offset=8 (local.get $stat) (i64.const -1))
    (i64.store offset=16 (local.get $stat) (i64.const -1))
    (i32.const 0))

  (func $badf1 (param i32) (result i32) (i32.const 8))
  (func $badf2 (param i32 i32) (result i32) (i32.const 8))
  (func $badf3 (param i32 i32 i32) (result i32) (i32.const 8))
  (export "fd_close" (func $badf1))
  (export "fd_sync" (func $badf1))
  (export "fd_fdstat_set_flags" (func $badf2))
  (export "fd_filestat_get" (func $badf2))
  (export "fd_prestat_get" (func $badf2))
  (export "fd_prestat_dir_name" (func $badf3))
  (export "path_create_directory" (func $badf3))
  (export "path_remove_directory" (func $badf3))
  (export "path_unlink_file" (func $badf3))
  (export "sock_accept" (func $badf3))
  (export "sock_shutdown" (func $badf2))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 8))
  (func $at (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (export "fd_pread" (func $at))
  (export "fd_pwrite" (func $at))
  (export "fd_readdir" (func $at))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 8))
  (func $six (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (export "path_readlink" (func $six))
  (export "path_rename" (func $six))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))

  ;; Generated from adapter.wit by tools/generate.py: what `component new` must know of the imports.
  (@custom "component-type:jackfield-go-adapter"
    "\00\61\73\6d\0d\00\01\00\00\19\16\77\69\74\2d\63\6f\6d\70\6f\6e\65\6e\74\2d\65\6e\63\6f\64\69\6e\67\04\00\07\a7\06\01\41"
    "\02\01\41\13\01\42\01\04\00\05\65\72\72\6f\72\03\01\03\00\13\77\61\73\69\3a\69\6f\2f\65\72\72\6f\72\40\30\2e\32\2e\30\05"
    "\00\02\03\00\00\05\65\72\72\6f\72\01\42\0b\02\03\02\01\01\04\00\05\65\72\72\6f\72\03\00\00\01\69\01\01\71\02\15\6c\61\73"
    "\74\2d\6f\70\65\72\61\74\69\6f\6e\2d\66\61\69\6c\65\64\01\02\00\06\63\6c\6f\73\65\64\00\00\04\00\0c\73\74\72\65\61\6d\2d"
    "\65\72\72\6f\72\03\00\03\04\00\0d\6f\75\74\70\75\74\2d\73\74\72\65\61\6d\03\01\01\68\05\01\70\7d\01\6a\00\01\04\01\40\02"
    "\04\73\65\6c\66\06\08\63\6f\6e\74\65\6e\74\73\07\00\08\04\00\2e\5b\6d\65\74\68\6f\64\5d\6f\75\74\70\75\74\2d\73\74\72\65"
    "\61\6d\2e\62\6c\6f\63\6b\69\6e\67\2d\77\72\69\74\65\2d\61\6e\64\2d\66\6c\75\73\68\01\09\03\00\15\77\61\73\69\3a\69\6f\2f"
    "\73\74\72\65\61\6d\73\40\30\2e\32\2e\30\05\02\02\03\00\01\0d\6f\75\74\70\75\74\2d\73\74\72\65\61\6d\01\42\05\02\03\02\01"
    "\03\04\00\0d\6f\75\74\70\75\74\2d\73\74\72\65\61\6d\03\00\00\01\69\01\01\40\00\00\02\04\00\0a\67\65\74\2d\73\74\64\6f\75"
    "\74\01\03\03\00\15\77\61\73\69\3a\63\6c\69\2f\73\74\64\6f\75\74\40\30\2e\32\2e\30\05\04\01\42\05\02\03\02\01\03\04\00\0d"
    "\6f\75\74\70\75\74\2d\73\74\72\65\61\6d\03\00\00\01\69\01\01\40\00\00\02\04\00\0a\67\65\74\2d\73\74\64\65\72\72\01\03\03"
    "\00\15\77\61\73\69\3a\63\6c\69\2f\73\74\64\65\72\72\40\30\2e\32\2e\30\05\05\01\42\04\04\00\08\70\6f\6c\6c\61\62\6c\65\03"
    "\01\01\68\00\01\40\01\04\73\65\6c\66\01\01\00\04\00\16\5b\6d\65\74\68\6f\64\5d\70\6f\6c\6c\61\62\6c\65\2e\62\6c\6f\63\6b"
    "\01\02\03\00\12\77\61\73\69\3a\69\6f\2f\70\6f\6c\6c\40\30\2e\32\2e\30\05\06\02\03\00\04\08\70\6f\6c\6c\61\62\6c\65\01\42"
    "\07\02\03\02\01\07\04\00\08\70\6f\6c\6c\61\62\6c\65\03\00\00\01\40\00\00\77\04\00\03\6e\6f\77\01\02\01\69\01\01\40\01\04"
    "\77\68\65\6e\77\00\03\04\00\12\73\75\62\73\63\72\69\62\65\2d\64\75\72\61\74\69\6f\6e\01\04\03\00\21\77\61\73\69\3a\63\6c"
    "\6f\63\6b\73\2f\6d\6f\6e\6f\74\6f\6e\69\63\2d\63\6c\6f\63\6b\40\30\2e\32\2e\30\05\08\01\42\04\01\72\02\07\73\65\63\6f\6e"
    "\64\73\77\0b\6e\61\6e\6f\73\65\63\6f\6e\64\73\79\04\00\08\64\61\74\65\74\69\6d\65\03\00\00\01\40\00\00\01\04\00\03\6e\6f"
    "\77\01\02\03\00\1c\77\61\73\69\3a\63\6c\6f\63\6b\73\2f\77\61\6c\6c\2d\63\6c\6f\63\6b\40\30\2e\32\2e\30\05\09\01\42\02\01"
    "\40\00\00\77\04\00\0e\67\65\74\2d\72\61\6e\64\6f\6d\2d\75\36\34\01\00\03\00\18\77\61\73\69\3a\72\61\6e\64\6f\6d\2f\72\61"
    "\6e\64\6f\6d\40\30\2e\32\2e\30\05\0a\04\00\1c\6a\61\63\6b\66\69\65\6c\64\3a\67\6f\2d\61\64\61\70\74\65\72\2f\61\64\61\70"
    "\74\65\72\04\00\0b\0d\01\00\07\61\64\61\70\74\65\72\03\00\00\00\44\09\70\72\6f\64\75\63\65\72\73\01\0c\70\72\6f\63\65\73"
    "\73\65\64\2d\62\79\02\0d\77\69\74\2d\63\6f\6d\70\6f\6e\65\6e\74\07\30\2e\32\36\32\2e\30\0d\77\69\74\2d\62\69\6e\64\67\65"
    "\6e\2d\63\06\30\2e\36\33\2e\30")
)
