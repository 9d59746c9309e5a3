;; The least that can be loaded. A test replaces the line with an @ by imports, exports or anything else
;; that belongs into a component.
(component
  ;; @declarations
  (core module $small
    (memory (export "small-memory") 1)
    (func (export "business-handler") (param i64 i32 i32 i32) unreachable)
    (func (export "small-realloc") (param i32 i32 i32 i32) (result i32) (i32.const 16)))
  (core instance $small (instantiate $small))
  (alias core export $small "small-memory" (core memory $small-memory))
  (alias core export $small "small-realloc" (core func $small-realloc))
  (type $small-message' (variant (case "text" string) (case "binary" (list u8))))
  (export $small-message "small-message" (type $small-message'))
  (func $small-handler (param "connection" u64) (param "message" $small-message)
    (canon lift (core func $small "business-handler")
      (memory $small-memory) (realloc $small-realloc)))
  (instance $small-instance (export "business-handler" (func $small-handler)))
  (export "jackfield:plugin/handler@0.1.0" (instance $small-instance)))
