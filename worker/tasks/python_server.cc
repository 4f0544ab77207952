#include "worker/tasks/python_server.h"

namespace millrace::tasks {

// Python 3.8 and later; the standard library only. What users' functions may import (`from millrace import
// SkipException`) is made here too, so that nothing has to be installed.
const char* const kPythonServer = R"py(
import array, datetime, gc, inspect, json, os, signal, socket, struct, sys, threading, traceback, types

# A child copies each page that it is the first to touch, and that is most of what an attempt costs: what can be
# made ready before the fork is made ready then.
try:
    import ctypes
    prctl = ctypes.CDLL(None).prctl
    prctl(1, 9, 0, 0, 0)
except Exception:
    prctl = None

SKIP = ("SkipException", "AirflowSkipException")
FAIL = ("FailException", "AirflowFailException")


class SkipException(Exception):
    """Raised by a task: it and what needs it are skipped."""


class FailException(Exception):
    """Raised by a task: it fails, and is not tried again."""


class Wrong(Exception):
    """What a retry cannot mend: no such function, arguments that do not fit."""


pushed = {}


def xcom_push(key, value):
    pushed[str(key)] = as_json(value, "the XCom " + str(key))


class OutletEvent:
    def __init__(self):
        self.extra = {}
        self.added = []
        self.partition_keys = []

    def add(self, dataset, extra=None):
        self.added.append({"dataset": dataset, "extra": extra or {}})

    def add_partitions(self, keys):
        self.partition_keys += [keys] if isinstance(keys, str) else list(keys)

    def told(self):
        keys = {"partition_keys": self.partition_keys} if self.partition_keys else {}
        return [{**one, **keys} for one in self.added] or {"extra": self.extra, **keys}


class OutletEvents(dict):
    """Of a task's outlets, by name: [dataset].extra is what its event keeps, [dataset].add_partitions(keys) makes one a key,
    [alias].add(dataset, extra) names one."""

    def __missing__(self, name):
        return self.setdefault(name, OutletEvent())


class PokeReturnValue:
    """Returned by a sensor's function: whether the wait is over, and what is its result then."""

    def __init__(self, is_done, xcom_value=None):
        self.is_done = is_done
        self.xcom_value = xcom_value


class NeverExpire:
    def __repr__(self):
        return "NEVER_EXPIRE"


NEVER_EXPIRE = NeverExpire()
asking = threading.BoundedSemaphore(8)  # requests to state stores: the worker takes 16 of an attempt
PACKET = 1 << 17


class StateStore:
    """What a task keeps for its retries, or a dataset for its tasks: durable when set, delete or clear return."""

    def __init__(self, dataset=""):
        self._dataset = dataset

    def _ask(self, op, key="", value="", retention=None):
        path = os.environ.get("MILLRACE_STATE_SOCKET")
        if not path:
            raise RuntimeError("there is no state store here: MILLRACE_STATE_SOCKET is not set")
        head = json.dumps({"op": op, "dataset": self._dataset, "key": key, "retention": retention})
        # By way of its folder: an address has room for 107 bytes only.
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with asking, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
                control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * PACKET)
                control.connect("/proc/self/fd/%d/%s" % (folder, os.path.basename(path)))
                control.send((head + "\n" + value).encode())
                answer = control.recv(PACKET).decode()
        except OSError as error:
            raise RuntimeError("the state store does not answer: %s" % error)
        finally:
            os.close(folder)
        head, line, value = answer.partition("\n")
        if not line:
            raise RuntimeError("the state store has closed: the attempt is over")
        head = json.loads(head)
        if head["error"]:
            raise RuntimeError(head["error"])
        return value if head["found"] else None

    def get(self, key, default=None):
        value = self._ask("get", check_key(key))
        return default if value is None else json.loads(value)

    def _set(self, key, value, retention):
        if value is None:
            raise ValueError("a value cannot be None: delete the key %r instead" % (key,))
        try:
            text = encoder.encode(value)
        except (TypeError, ValueError) as error:
            raise ValueError("the value of %r cannot be JSON: %s" % (key, error))
        if len(text) > 65535:
            raise ValueError("the value of %r has %d bytes as JSON, at most 65535 are kept: write a file and keep its path"
                             % (key, len(text)))
        self._ask("set", check_key(key), text, retention)

    def set(self, key, value):
        self._set(key, value, None)

    def delete(self, key):
        self._ask("delete", check_key(key))

    def clear(self):
        self._ask("clear")

    async def aget(self, key, default=None):
        return await aside(self.get, key, default)

    async def aset(self, key, value, **options):
        await aside(self.set, key, value, **options)

    async def adelete(self, key):
        await aside(self.delete, key)

    async def aclear(self):
        await aside(self.clear)


class TaskStateStore(StateStore):
    def set(self, key, value, *, retention=None):
        if isinstance(retention, datetime.timedelta):
            retention = retention.total_seconds()
            if retention <= 0:
                raise ValueError("retention is longer than nothing")
        elif retention is NEVER_EXPIRE:
            retention = "never"
        elif retention is not None:
            raise TypeError("retention is a timedelta, NEVER_EXPIRE or None, not %r" % (retention,))
        self._set(key, value, retention)


class AssetStateStores:
    """Of a task's inlets and outlets: [dataset] is the store of one, and where there is only one this is it."""

    def __getitem__(self, dataset):
        name = getattr(dataset, "name", dataset)
        if name not in datasets_of(millrace.context):
            raise KeyError(name)
        return StateStore(name)

    def _only(self):
        names = datasets_of(millrace.context)
        if not names:
            raise KeyError("asset_state_store")
        if len(names) > 1:
            raise ValueError("this task has several datasets (%s): use asset_state_store[name]" % ", ".join(names))
        return StateStore(names[0])

    def __getattr__(self, name):
        if name in ("get", "set", "delete", "clear", "aget", "aset", "adelete", "aclear"):
            return getattr(self._only(), name)
        raise AttributeError(name)


def check_key(key):
    if not isinstance(key, str):
        raise TypeError("a key is a str, not %r" % (key,))
    return key


async def aside(call, *args, **options):
    import asyncio, functools
    return await asyncio.get_running_loop().run_in_executor(None, functools.partial(call, *args, **options))


def datasets_of(context):
    return list(dict.fromkeys(context.get("inlets", []) + context.get("outlets", [])))


STORES = ("task_state_store", "asset_state_store")


class Context(dict):
    """What a task is told of its run. The stores are found in it without being listed, so that it is plain data still."""

    def __missing__(self, name):
        if name == "task_state_store":
            return millrace.task_state_store
        if name == "asset_state_store" and datasets_of(self):
            return millrace.asset_state_store
        raise KeyError(name)

    def __contains__(self, name):
        return dict.__contains__(self, name) or name == STORES[0] or (name == STORES[1] and bool(datasets_of(self)))

    def get(self, name, default=None):
        return self[name] if name in self else default


millrace = types.ModuleType("millrace")
millrace.NEVER_EXPIRE = NEVER_EXPIRE
millrace.task_state_store = TaskStateStore()
millrace.asset_state_store = AssetStateStores()
millrace.PokeReturnValue = PokeReturnValue
millrace.SkipException = SkipException
millrace.FailException = FailException
millrace.xcom_push = xcom_push
millrace.outlet_events = OutletEvents()
sys.modules["millrace"] = millrace
search = []  # sys.path before any attempt


def plain(value):
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(type(value).__name__)


encoder = json.JSONEncoder(default=plain, allow_nan=False)


def as_json(value, what):
    try:
        return encoder.encode(value)
    except (TypeError, ValueError) as error:
        raise Wrong("%s cannot be JSON (%s): return dicts, lists, strings, numbers, booleans or None" % (what, error))


def load(module, code, name):
    sys.modules[module.__name__] = module
    exec(code, module.__dict__)
    function = module.__dict__.get(name)
    if not callable(function):
        there = [n for n, v in module.__dict__.items() if inspect.isfunction(v) and v.__module__ == module.__name__]
        raise Wrong("%s has no function %r%s" % (module.__name__ + ".py", name, ("; it has: " + ", ".join(there)) if there else ""))
    return function


def arguments(function, positional, args, context):
    given = dict(args)
    # The common case without inspect, which touches much: a plain function that is given all of its parameters.
    if type(function) is types.FunctionType and not function.__dict__ and not positional:
        code = function.__code__
        if not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS) and not code.co_posonlyargcount:
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            found = {name: given[name] if name in given else context if name == "context" else context[name]
                     for name in names if name in given or name == "context" or name in context}
            if len(found) == len(names) and all(name in found for name in given):
                return found
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return given
    placed = [name for name, parameter in parameters.items()
              if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)][: len(positional)]
    for name, parameter in parameters.items():
        if name in placed:
            continue
        if parameter.kind == parameter.VAR_KEYWORD:
            for key in list(context) + [store for store in STORES if store in context]:
                if key not in placed:
                    given.setdefault(key, context[key])
        elif name not in given and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            if name == "context":
                given[name] = context
            elif name in context:
                given[name] = context[name]
    try:
        inspect.signature(function).bind(*positional, **given)
    except TypeError as error:
        raise Wrong("%s(): %s" % (getattr(function, "__name__", "the function"), error))
    return given


def trace(error):
    there = error.__traceback__
    while there is not None and there.tb_frame.f_code.co_filename == "<string>":
        there = there.tb_next
    traceback.print_exception(type(error), error, there)


def name_of(kind):
    return kind.__name__ if kind.__module__ in ("builtins", "millrace", "__main__") else kind.__module__ + "." + kind.__name__


def run(request, module, code):
    answer = {"outcome": "failed"}
    try:
        if isinstance(code, BaseException):
            raise code
        if isinstance(code, bytes):
            code = compile(code, request["file"], "exec")
        function = load(module, code, request["function"])
        given = arguments(function, request["positional"], request["args"], request["context"])
        result = function(*request["positional"], **given)
        if inspect.iscoroutine(result):
            import asyncio
            result = asyncio.run(result)
        answer["outcome"] = "success"
        if millrace.outlet_events:
            xcom_push("outlet_events", {name: event.told() for name, event in millrace.outlet_events.items()})
        if request.get("sensor"):
            done = result
            if type(result).__name__ == "PokeReturnValue":
                done, result = result.is_done, result.xcom_value
            if not done:
                answer["outcome"] = "not_yet"
                answer["message"] = "%s() is %.200r" % (request["function"], done)
        if result is not None:
            answer["result"] = as_json(result, "what %s returned" % request["function"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        answer["exit_code"] = code
        answer["outcome"] = "success" if code == 0 else "skipped" if code == 99 else "failed"
        if code != 0:
            answer["error_class"] = "SystemExit"
            answer["message"] = "exit code %d" % code if isinstance(end.code, int) else str(end.code)
    except Wrong as error:
        answer["outcome"] = "final"
        answer["message"] = str(error)
        print("[millrace] " + str(error), file=sys.stderr)
    except BaseException as error:
        names = [kind.__name__ for kind in type(error).__mro__]
        text = str(error)
        if any(name in SKIP for name in names):
            answer["outcome"] = "skipped"
            answer["message"] = text
        else:
            trace(error)
            answer["outcome"] = "final" if any(name in FAIL for name in names) else "failed"
            # What it is derived from comes behind it, for retry rules: job.Broken<ValueError<Exception.
            answer["error_class"] = "<".join(name_of(kind) for kind in type(error).__mro__[:32] if kind is not object)
            answer["message"] = name_of(type(error)) + (": " + text if text else "")
    answer["xcoms"] = [[key, value] for key, value in pushed.items()]
    return answer


LARGE = 1 << 16


# What an attempt's child finds: its module, and the code or why there is none. Nothing of a user's runs here, and a
# file that takes its time to be compiled is left to the child.
def prepare(request):
    request["context"] = Context(request["context"])
    millrace.context = request["context"]
    wanted = request["environment"]
    for name in [name for name in os.environ if name not in wanted]:
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    sys.path[:] = [os.path.dirname(request["file"]), request["files"]] + search
    path = request["file"]
    sys.argv = [path]
    module = types.ModuleType(os.path.splitext(os.path.basename(path))[0])
    module.__file__ = path
    try:
        with open(path, "rb") as file:
            code = file.read()
        return module, code if len(code) > LARGE else compile(code, path, "exec")
    except Exception as error:
        return module, error


def child(request, module, code, log, result):
    os.setpgid(0, 0)
    if prctl is not None:
        prctl(1, 9, 0, 0, 0)
    gc.enable()
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.chdir(request["folder"])
    answer = json.dumps(run(request, module, code)).encode()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except Exception:
        pass
    while answer:
        answer = answer[os.write(result, answer):]
    os._exit(0)


def receive(control):
    data, fds = b"", array.array("i")
    need = 4
    while len(data) < need:
        piece, ancillary, _, _ = control.recvmsg(1 << 16, socket.CMSG_SPACE(8))
        if not piece:
            os._exit(0)
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
        data += piece
        if need == 4 and len(data) >= 4:
            need = 4 + struct.unpack("<I", data[:4])[0]
    for fd in fds:
        os.set_inheritable(fd, False)
    return json.loads(data[4:].decode()), fds


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.dont_write_bytecode = True
    if sys.path and sys.path[0] == "":
        sys.path.pop(0)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)
    control = socket.socket(fileno=3)
    os.set_inheritable(3, False)
    search.extend(sys.path)
    gc.disable()
    gc.collect()
    if hasattr(gc, "freeze"):
        gc.freeze()
    while True:
        request, (log, result) = receive(control)
        try:
            module, code = prepare(request)
        except Exception as error:  # a name or a value that no environment can have
            module, code = None, error
        pid = os.fork()
        if pid == 0:
            os.close(3)
            try:
                child(request, module, code, log, result)
            finally:
                os._exit(1)
        try:
            os.setpgid(pid, pid)
        except OSError:
            pass
        os.close(log)
        os.close(result)
        control.sendall(struct.pack("<i", pid))
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        if not control.recv(1):
            os._exit(0)
        status = os.waitpid(pid, 0)[1]
        control.sendall(struct.pack("<i", status))


main()
)py";

}  // namespace millrace::tasks
