;; A plugin that writes messages to its output streams: text to stdout, binary to stderr.
(component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $stream (sub resource)))
    (alias outer 1 $error (type $e'))
    (export "error" (type $e (eq $e')))
    (type $s' (variant (case "last-operation-failed" (own $e)) (case "closed")))
    (export "stream-error" (type $s (eq $s')))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $stream)) (param "contents" (list u8)) (result (result (error $s)))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $stream (type $o')) (export "output-stream" (type $o (eq $o')))
    (export "get-stdout" (func (result (own $o))))))
  (import "wasi:cli/stderr@0.2.0" (instance $stderr
    (alias outer 1 $stream (type $o')) (export "output-stream" (type $o (eq $o')))
    (export "get-stderr" (func (result (own $o))))))
  (import "wasi:cli/exit@0.2.0" (instance $exit
    (export "exit" (func (param "status" (result))))))

  (core module $libc
    (memory (export "memory") 4)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $write
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $memory)))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $get-stderr (canon lower (func $stderr "get-stderr")))
  (core func $exit (canon lower (func $exit "exit")))
  (core func $drop (canon resource.drop $stream))

  (core module $main
    (import "libc" "memory" (memory 1))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "get-stderr" (func $get-stderr (result i32)))
    (import "host" "drop" (func $drop (param i32)))
    (import "host" "exit" (func $exit (param i32)))
    (func (export "business-handler") (param i64) (param $kind i32) (param $at i32) (param $len i32)
      (local $stream i32) (local $first i32) (local $part i32)
      (local.set $first (i32.load8_u (local.get $at)))
      (local.set $stream
        (if (result i32) (local.get $kind) (then (call $get-stderr)) (else (call $get-stdout))))
      ;; A write takes at most 4096 bytes.
      (loop $next
        (if (local.get $len) (then
          (local.set $part (select (local.get $len) (i32.const 4096) (i32.lt_u (local.get $len) (i32.const 4096))))
          (call $write (local.get $stream) (local.get $at) (local.get $part) (i32.const 16))
          (local.set $at (i32.add (local.get $at) (local.get $part)))
          (local.set $len (i32.sub (local.get $len) (local.get $part)))
          (br $next))))
      (call $drop (local.get $stream))
      (if (i32.eq (local.get $first) (i32.const 0x21)) (then (unreachable)))
      (if (i32.eq (local.get $first) (i32.const 0x3f)) (then (call $exit (i32.const 1))))))
  (core instance $main (instantiate $main
    (with "libc" (instance $libc))
    (with "host" (instance
      (export "write" (func $write))
      (export "get-stdout" (func $get-stdout))
      (export "get-stderr" (func $get-stderr))
      (export "drop" (func $drop))
      (export "exit" (func $exit))))))

  (type $message' (variant (case "text" string) (case "binary" (list u8))))
  (export $message "message" (type $message'))
  (func $business-handler (param "connection" u64) (param "message" $message)
    (canon lift (core func $main "business-handler") (memory $memory) (realloc $realloc)))
  (instance $handler (export "business-handler" (func $business-handler)))
  (export "jackfield:plugin/handler@0.1.0" (instance $handler)))
