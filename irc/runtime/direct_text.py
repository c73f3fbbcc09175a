"""The LLVM text of a direct call (see ``direct``)."""

from __future__ import annotations

from irc.runtime import numpy_abi

HEADER = (
    "arguments", "results", "sources", "forms", "call", "otherwise", "recorder", "new", "storage_class", "value_class", "false", "zero", "shape",
    "parent", "storage", "value", "version", "storage_graph", "array", "type", "requires_grad", "leaf", "node", "source",
    "owner", "index", "recorder_graph",
)  # fmt: skip
"""The table's first words: numbers, objects, and from `parent` on the offsets of slots. Then three words an argument (class,
type, requires_grad), two a result (class, type), three a source (storage, type, version, or null for any) and one a form
(its array)."""

SHAPES = ("one", "tuple", "list")
"""What a function returns: one tensor, or a tuple or a list of them."""


def word(register: str, name: str, kind: str = "i64") -> str:
    """Loads a word of the table."""
    at = HEADER.index(name)
    return f"%{register}.w = getelementptr i64, ptr %table, i64 {at}\n  %{register} = load {kind}, ptr %{register}.w, align 8"


def slot(register: str, owner: str, name: str) -> str:
    """Loads an object's slot."""
    return (
        f"{word(f'{register}.o', name)}\n  %{register}.at = getelementptr i8, ptr %{owner}, i64 %{register}.o\n"
        f"  %{register} = load ptr, ptr %{register}.at, align 8"
    )


def fill(owner: str, name: str, value: str, number: int, *, new: bool = True) -> str:
    """Stores into a slot that is empty; with `new` as one more reference."""
    register = f"f{number}"
    taken = f"  call void @Py_IncRef(ptr {value})\n" if new else ""
    return (
        f"{taken}  {word(register, name)}\n  %{register}.at = getelementptr i8, ptr %{owner}, i64 %{register}\n"
        f"  store ptr {value}, ptr %{register}.at, align 8"
    )


DIRECT_TEXT = f"""
@Py_None = external global i8
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyType_GenericAlloc(ptr, i64)
declare ptr @PyWeakref_NewRef(ptr, ptr)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare ptr @PyList_GetItem(ptr, i64)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)

; The array of an argument that is as its three words say, else null.
define internal ptr @read(ptr %table, ptr %spec, ptr %handle) {{
entry:
  %kind.at = getelementptr i8, ptr %handle, i64 {numpy_abi.OBJECT_TYPE}
  %kind = load ptr, ptr %kind.at, align 8
  %want.kind = load ptr, ptr %spec, align 8
  %same.kind = icmp eq ptr %kind, %want.kind
  br i1 %same.kind, label %own, label %no

own:
  {slot("parent", "handle", "parent")}
  %alone = icmp eq ptr %parent, @Py_None
  br i1 %alone, label %look, label %no

look:
  {slot("storage", "handle", "storage")}
  %stored = icmp ne ptr %storage, null
  br i1 %stored, label %open, label %no

open:
  {slot("value", "storage", "value")}
  %valued = icmp ne ptr %value, null
  br i1 %valued, label %match, label %no

match:
  {slot("type", "value", "type")}
  {slot("grad", "value", "requires_grad")}
  {slot("leaf", "value", "leaf")}
  {slot("array", "value", "array")}
  %want.type.at = getelementptr i64, ptr %spec, i64 1
  %want.type = load ptr, ptr %want.type.at, align 8
  %want.grad.at = getelementptr i64, ptr %spec, i64 2
  %want.grad = load ptr, ptr %want.grad.at, align 8
  %same.type = icmp eq ptr %type, %want.type
  %same.grad = icmp eq ptr %grad, %want.grad
  %no.leaf = icmp eq ptr %leaf, @Py_None
  %has.array = icmp ne ptr %array, @Py_None
  %a = and i1 %same.type, %same.grad
  %b = and i1 %no.leaf, %has.array
  %right = and i1 %a, %b
  %found = select i1 %right, ptr %array, ptr null
  ret ptr %found

no:
  ret ptr null
}}

; The array of a storage that is as its three words say, else null.
define internal ptr @stored(ptr %table, ptr %spec) {{
entry:
  %storage = load ptr, ptr %spec, align 8
  {slot("value", "storage", "value")}
  {slot("type", "value", "type")}
  {slot("array", "value", "array")}
  {slot("version", "storage", "version")}
  %want.type.at = getelementptr i64, ptr %spec, i64 1
  %want.type = load ptr, ptr %want.type.at, align 8
  %want.version.at = getelementptr i64, ptr %spec, i64 2
  %want.version = load ptr, ptr %want.version.at, align 8
  %any = icmp eq ptr %want.version, null
  %same.version = icmp eq ptr %version, %want.version
  %known = or i1 %any, %same.version
  %same.type = icmp eq ptr %type, %want.type
  %has.array = icmp ne ptr %array, @Py_None
  %a = and i1 %same.type, %has.array
  %right = and i1 %a, %known
  %found = select i1 %right, ptr %array, ptr null
  ret ptr %found
}}

; A new tensor of the class and type that %spec says, around %array.
define internal ptr @made(ptr %table, ptr %spec, ptr %array) {{
entry:
  {word("value.class", "value_class", "ptr")}
  {word("storage.class", "storage_class", "ptr")}
  {word("new", "new", "ptr")}
  {word("false", "false", "ptr")}
  {word("zero", "zero", "ptr")}
  {word("recorder", "recorder", "ptr")}
  {slot("graph", "recorder", "recorder_graph")}
  %type.at = getelementptr i64, ptr %spec, i64 1
  %type = load ptr, ptr %type.at, align 8
  %value = call ptr @PyType_GenericAlloc(ptr %value.class, i64 0)
  %no.value = icmp eq ptr %value, null
  br i1 %no.value, label %failed, label %hold

hold:
{fill("value", "array", "%array", 1)}
{fill("value", "type", "%type", 2)}
{fill("value", "requires_grad", "%false", 3)}
{fill("value", "leaf", "@Py_None", 4)}
{fill("value", "node", "@Py_None", 5)}
{fill("value", "source", "@Py_None", 6)}
{fill("value", "index", "%zero", 7)}
  %storage = call ptr @PyType_GenericAlloc(ptr %storage.class, i64 0)
  %no.storage = icmp eq ptr %storage, null
  br i1 %no.storage, label %drop.value, label %own

own:
{fill("storage", "value", "%value", 8, new=False)}
{fill("storage", "version", "%zero", 9)}
{fill("storage", "storage_graph", "%graph", 10)}
  %owner = call ptr @PyWeakref_NewRef(ptr %storage, ptr null)
  %no.owner = icmp eq ptr %owner, null
  br i1 %no.owner, label %drop.storage, label %show

show:
{fill("value", "owner", "%owner", 11, new=False)}
  %handle = call ptr @PyObject_Vectorcall(ptr %new, ptr %spec, i64 1, ptr null)
  %no.handle = icmp eq ptr %handle, null
  br i1 %no.handle, label %drop.storage, label %done

done:
{fill("handle", "storage", "%storage", 12, new=False)}
{fill("handle", "parent", "@Py_None", 13)}
  ret ptr %handle

drop.value:
  call void @Py_DecRef(ptr %value)
  br label %failed

drop.storage:
  call void @Py_DecRef(ptr %storage)
  br label %failed

failed:
  ret ptr null
}}

; The program's list of arrays as the function's result.
define internal ptr @results(ptr %table, ptr %specs, ptr %arrays) {{
entry:
  {word("count", "results")}
  {word("shape", "shape")}
  switch i64 %shape, label %one [ i64 {SHAPES.index("tuple")}, label %tuple
                                  i64 {SHAPES.index("list")}, label %list ]

one:
  %only = call ptr @PyList_GetItem(ptr %arrays, i64 0)
  %tensor = call ptr @made(ptr %table, ptr %specs, ptr %only)
  ret ptr %tensor

tuple:
  %new.tuple = call ptr @PyTuple_New(i64 %count)
  br label %start

list:
  %new.list = call ptr @PyList_New(i64 %count)
  br label %start

start:
  %all = phi ptr [ %new.tuple, %tuple ], [ %new.list, %list ]
  %none = icmp eq ptr %all, null
  br i1 %none, label %failed, label %each

each:
  %i = phi i64 [ 0, %start ], [ %i.next, %next ]
  %more = icmp ult i64 %i, %count
  br i1 %more, label %make, label %done

make:
  %array = call ptr @PyList_GetItem(ptr %arrays, i64 %i)
  %offset = mul i64 %i, 2
  %spec = getelementptr i64, ptr %specs, i64 %offset
  %item = call ptr @made(ptr %table, ptr %spec, ptr %array)
  %no.item = icmp eq ptr %item, null
  br i1 %no.item, label %drop, label %put

put:
  %is.tuple = icmp eq i64 %shape, {SHAPES.index("tuple")}
  br i1 %is.tuple, label %put.tuple, label %put.list

put.tuple:
  %set.tuple = call i32 @PyTuple_SetItem(ptr %all, i64 %i, ptr %item)
  br label %next

put.list:
  %set.list = call i32 @PyList_SetItem(ptr %all, i64 %i, ptr %item)
  br label %next

next:
  %i.next = add i64 %i, 1
  br label %each

done:
  ret ptr %all

drop:
  call void @Py_DecRef(ptr %all)
  br label %failed

failed:
  ret ptr null
}}

define ptr @irc_direct(ptr %self, ptr %args, i64 %given) {{
entry:
  %data.at = getelementptr i8, ptr %self, i64 {numpy_abi.ARRAY_DATA}
  %table = load ptr, ptr %data.at, align 8
  {word("count", "arguments")}
  {word("sources", "sources")}
  {word("forms", "forms")}
  {word("results", "results")}
  %taken = add i64 %count, %sources
  %whole.count = add i64 %taken, %forms
  {word("otherwise", "otherwise", "ptr")}
  {word("call", "call", "ptr")}
  %specs = getelementptr i64, ptr %table, i64 {len(HEADER)}
  %argument.words = mul i64 %count, 3
  %outs = getelementptr i64, ptr %specs, i64 %argument.words
  %result.words = mul i64 %results, 2
  %source.specs = getelementptr i64, ptr %outs, i64 %result.words
  %source.words = mul i64 %sources, 3
  %form.specs = getelementptr i64, ptr %source.specs, i64 %source.words
  %arrays = alloca ptr, i64 %whole.count, align 8
  %right = icmp eq i64 %given, %count
  br i1 %right, label %each, label %other

each:
  %i = phi i64 [ 0, %entry ], [ %i.next, %keep ]
  %more = icmp ult i64 %i, %count
  br i1 %more, label %check, label %each.source

check:
  %handle.at = getelementptr ptr, ptr %args, i64 %i
  %handle = load ptr, ptr %handle.at, align 8
  %offset = mul i64 %i, 3
  %spec = getelementptr i64, ptr %specs, i64 %offset
  %array = call ptr @read(ptr %table, ptr %spec, ptr %handle)
  %unfit = icmp eq ptr %array, null
  br i1 %unfit, label %other, label %keep

keep:                                             ; another thread may give the tensor another array meanwhile
  call void @Py_IncRef(ptr %array)
  %place = getelementptr ptr, ptr %arrays, i64 %i
  store ptr %array, ptr %place, align 8
  %i.next = add i64 %i, 1
  br label %each

each.source:
  %s = phi i64 [ 0, %each ], [ %s.next, %keep.source ]
  %s.place = add i64 %count, %s
  %s.more = icmp ult i64 %s, %sources
  br i1 %s.more, label %check.source, label %each.form

check.source:
  %s.offset = mul i64 %s, 3
  %s.spec = getelementptr i64, ptr %source.specs, i64 %s.offset
  %s.array = call ptr @stored(ptr %table, ptr %s.spec)
  %s.unfit = icmp eq ptr %s.array, null
  br i1 %s.unfit, label %other, label %keep.source

keep.source:
  call void @Py_IncRef(ptr %s.array)
  %s.at = getelementptr ptr, ptr %arrays, i64 %s.place
  store ptr %s.array, ptr %s.at, align 8
  %s.next = add i64 %s, 1
  br label %each.source

each.form:
  %f = phi i64 [ 0, %each.source ], [ %f.next, %keep.form ]
  %f.more = icmp ult i64 %f, %forms
  br i1 %f.more, label %keep.form, label %go

keep.form:
  %f.spec = getelementptr ptr, ptr %form.specs, i64 %f
  %f.array = load ptr, ptr %f.spec, align 8
  call void @Py_IncRef(ptr %f.array)
  %f.place = add i64 %taken, %f
  %f.at = getelementptr ptr, ptr %arrays, i64 %f.place
  store ptr %f.array, ptr %f.at, align 8
  %f.next = add i64 %f, 1
  br label %each.form

go:
  %made = call ptr @PyObject_Vectorcall(ptr %call, ptr %arrays, i64 %whole.count, ptr null)
  %raised = icmp eq ptr %made, null
  br i1 %raised, label %release, label %wrap

wrap:
  %whole = call ptr @results(ptr %table, ptr %outs, ptr %made)
  call void @Py_DecRef(ptr %made)
  br label %release

other:
  %kept = phi i64 [ 0, %entry ], [ %i, %check ], [ %s.place, %check.source ]
  call void @Py_IncRef(ptr %otherwise)
  br label %release

release:
  %result = phi ptr [ null, %go ], [ %whole, %wrap ], [ %otherwise, %other ]
  %held = phi i64 [ %whole.count, %go ], [ %whole.count, %wrap ], [ %kept, %other ]
  br label %each.held

each.held:
  %h = phi i64 [ 0, %release ], [ %h.next, %let.go ]
  %h.more = icmp ult i64 %h, %held
  br i1 %h.more, label %let.go, label %done

let.go:
  %held.at = getelementptr ptr, ptr %arrays, i64 %h
  %held.array = load ptr, ptr %held.at, align 8
  call void @Py_DecRef(ptr %held.array)
  %h.next = add i64 %h, 1
  br label %each.held

done:
  ret ptr %result
}}
"""
