;; A plugin in WebAssembly's own text form, without any toolchain's runtime: what swaps are tested with when many
;; versions must be compiled quickly, or one must be from another language. It keeps to the answers of the guest
;; `stamped`, `GENERATION COUNT NUMBER TEXT`, and to its attribute; NUMBER is always 0.
(component
  (import "jackfield:plugin/types@0.1.0" (instance $types
    (type $m (variant (case "text" string) (case "binary" (list u8))))
    (export "message" (type (eq $m)))))
  (alias export $types "message" (type $message))
  (import "jackfield:plugin/connections@0.1.0" (instance $connections
    (alias outer 1 $message (type $m))
    (export "message" (type $message (eq $m)))
    (type $s (enum "gone" "backlog-full" "too-large" "fragment-order" "control-too-large"))
    (export "send-error" (type $send-error (eq $s)))
    (type $a (enum "gone" "too-large"))
    (export "attribute-error" (type $attribute-error (eq $a)))
    (export "send" (func (param "connection" u64) (param "message" $message)
      (result (result (error $send-error)))))
    (export "attribute" (func (param "connection" u64) (param "name" string)
      (result (result (option (list u8)) (error $attribute-error)))))
    (export "set-attribute" (func (param "connection" u64) (param "name" string) (param "value" (list u8))
      (result (result (error $attribute-error)))))))

  ;; What the host allocates is forgotten at the end of each call.
  (core module $memory
    (memory (export "memory") 32)
    (global $next (mut i32) (i32.const 65536))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32)
      (result i32)
      (local $place i32)
      (local.set $place (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $place) (local.get $size)))
      (local.get $place))
    (func (export "forget") (global.set $next (i32.const 65536))))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $bytes))
  (alias core export $memory "realloc" (core func $realloc))

  (core func $send (canon lower (func $connections "send") (memory $bytes) (realloc $realloc)))
  (core func $attribute (canon lower (func $connections "attribute") (memory $bytes) (realloc $realloc)))
  (core func $set-attribute
    (canon lower (func $connections "set-attribute") (memory $bytes) (realloc $realloc)))

  (core module $plugin
    (import "memory" "memory" (memory 32))
    (import "memory" "forget" (func $forget))
    (import "connections" "send" (func $send (param i64 i32 i32 i32 i32)))
    (import "connections" "attribute" (func $attribute (param i64 i32 i32 i32)))
    (import "connections" "set-attribute" (func $set-attribute (param i64 i32 i32 i32 i32 i32)))
    ;; 16: the attribute's name; 64: what the host gives back; 96: the count; 1024: the answer.
    (data (i32.const 16) "messages")
    (global $end (mut i32) (i32.const 1024))

    (func $put (param $byte i32)
      (i32.store8 (global.get $end) (local.get $byte))
      (global.set $end (i32.add (global.get $end) (i32.const 1))))
    (func $decimal (param $number i64)
      (if (i64.ge_u (local.get $number) (i64.const 10))
        (then (call $decimal (i64.div_u (local.get $number) (i64.const 10)))))
      (call $put (i32.wrap_i64 (i64.add (i64.const 48) (i64.rem_u (local.get $number) (i64.const 10))))))
    (func $blank (call $put (i32.const 32)))

    (func (export "business-handler") (param $connection i64) (param $kind i32) (param $text i32) (param $size i32)
      (local $count i64)
      (call $attribute (local.get $connection) (i32.const 16) (i32.const 8) (i32.const 64))
      ;; ok, some, eight bytes
      (if (i32.and
            (i32.and (i32.eqz (i32.load8_u (i32.const 64))) (i32.load8_u (i32.const 68)))
            (i32.eq (i32.load (i32.const 76)) (i32.const 8)))
        (then (local.set $count (i64.load (i32.load (i32.const 72))))))
      (local.set $count (i64.add (local.get $count) (i64.const 1)))
      (i64.store (i32.const 96) (local.get $count))
      (call $set-attribute (local.get $connection)
        (i32.const 16) (i32.const 8) (i32.const 96) (i32.const 8) (i32.const 64))
      (global.set $end (i32.const 1024))
      (call $decimal (i64.const GENERATION))
      (call $blank)
      (call $decimal (local.get $count))
      (call $blank)
      (call $decimal (i64.const 0))
      (call $blank)
      (memory.copy (global.get $end) (local.get $text) (local.get $size))
      (call $send (local.get $connection) (local.get $kind) (i32.const 1024)
        (i32.sub (i32.add (global.get $end) (local.get $size)) (i32.const 1024)) (i32.const 64))
      (call $forget)))
  (core instance $plugin (instantiate $plugin
    (with "memory" (instance $memory))
    (with "connections" (instance
      (export "send" (func $send))
      (export "attribute" (func $attribute))
      (export "set-attribute" (func $set-attribute))))))

  (alias core export $plugin "business-handler" (core func $handle))
  (func $business-handler (param "connection" u64) (param "message" $message)
    (canon lift (core func $handle) (memory $bytes) (realloc $realloc)))
  (instance $handler
    (export "message" (type $message))
    (export "business-handler" (func $business-handler)))
  (export "jackfield:plugin/handler@0.1.0" (instance $handler)))
