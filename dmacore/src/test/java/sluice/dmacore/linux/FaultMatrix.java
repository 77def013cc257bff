package sluice.dmacore.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

/**
 * One access to memory that is gone, in a JVM of its own that may die of it: {@link FaultMatrixTest}.
 *
 * <p>Arguments: {@code ACCESS REGION WARM_UP}, or {@code RACE swaps}. The last line printed is {@code outcome=...}.
 */
final class FaultMatrix {
    private static final long SIZE = 2 * Mman.pageSize();
    /** In the second page, which is the one that goes away. */
    private static final long AT = Mman.pageSize() + 64;
    private static final int BULK = 256;
    private static final Duration RACE_LIMIT = Duration.ofSeconds(20);

    private static final VarHandle INT = JAVA_INT.varHandle();
    private static final VarHandle SHORT = JAVA_SHORT.varHandle();
    private static final MemorySegment HEAP = MemorySegment.ofArray(new byte[BULK]);
    private static final MemorySegment NATIVE = Arena.global().allocate(BULK);

    private FaultMatrix() {}

    /** How memory goes away under a mapping. */
    enum Region {
        /** The file was made shorter. */
        TRUNCATED,
        /** No access is allowed, as in the hole of a reservation. */
        PROT_NONE,
        /** Anonymous pages lie over it. */
        OVERLAID
    }

    /** What touches the memory; each returns something that shows what it saw. */
    enum Access {
        GET {
            @Override
            long perform(MemorySegment mapped, Fd file) {
                return mapped.get(JAVA_LONG, AT);
            }
        },
        SET {
            @Override
            long perform(MemorySegment mapped, Fd file) {
                mapped.set(JAVA_LONG, AT, 5);
                return 0;
            }
        },
        COPY {
            @Override
            long perform(MemorySegment mapped, Fd file) {
                MemorySegment.copy(mapped, AT, HEAP, 0, BULK);
                return HEAP.get(JAVA_BYTE, 0);
            }
        },
        FILL {
            @Override
            long perform(MemorySegment mapped, Fd file) {
                mapped.asSlice(AT, BULK).fill((byte) 5);
                return 0;
            }
        },
        MISMATCH {
            @Override
            long perform(MemorySegment mapped, Fd file) {
                return MemorySegment.mismatch(mapped, AT, AT + BULK, HEAP, 0, BULK);
            }
        },
        GET_ACQUIRE {
            @Override
            long perform(MemorySegment mapped, Fd file) {
                return (int) INT.getAcquire(mapped, AT);
            }
        },
        COMPARE_AND_SET {
            @Override
            long perform(MemorySegment mapped, Fd file) {
                return INT.compareAndSet(mapped, AT, 0, 0) ? 1 : 0;
            }
        },
        SET_RELEASE_16_BIT {
            @Override
            long perform(MemorySegment mapped, Fd file) {
                SHORT.setRelease(mapped, AT, (short) 5);
                return 0;
            }
        },
        NATIVE_MEMCPY {
            @Override
            long perform(MemorySegment mapped, Fd file) throws Throwable {
                MemorySegment copied = (MemorySegment) Link.MEMCPY.invokeExact(NATIVE, mapped.asSlice(AT, BULK),
                        (long) BULK);
                return copied.address() == NATIVE.address() ? 0 : 1;
            }
        },
        PREAD {
            @Override
            long perform(MemorySegment mapped, Fd file) {
                return TestCalls.pread(file, NATIVE, AT);
            }
        },
        PROCESS_VM_READV {
            @Override
            long perform(MemorySegment mapped, Fd file) {
                return TestCalls.readOwnMemory(mapped.address() + AT, NATIVE);
            }
        };

        abstract long perform(MemorySegment mapped, Fd file) throws Throwable;
    }

    private static final class Link {
        static final MethodHandle MEMCPY = Linker.nativeLinker().downcallHandle(
                Linker.nativeLinker().defaultLookup().findOrThrow("memcpy"),
                FunctionDescriptor.of(ADDRESS.withTargetLayout(JAVA_BYTE), ADDRESS, ADDRESS, JAVA_LONG));
    }

    public static void main(String[] arguments) throws Throwable {
        if (arguments[0].equals("RACE")) {
            race(Integer.parseInt(arguments[1]));
            return;
        }
        Region region = Region.valueOf(arguments[1]);
        int warmUp = Integer.parseInt(arguments[2]);
        if (arguments[0].equals("ALL")) {
            for (Access access : Access.values()) {
                System.out.println(access + "=" + observe(access, region, warmUp));
            }
            return;
        }
        System.out.println("outcome=" + observe(Access.valueOf(arguments[0]), region, warmUp));
    }

    private static String observe(Access access, Region region, int warmUp) throws Throwable {
        try (Arena arena = Arena.ofShared(); Fd file = Memfd.create("fault-matrix", 0)) {
            Memfd.resize(file, SIZE);
            MemorySegment mapped = Mman.map(file, 0, SIZE, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            for (int i = 0; i < warmUp; i++) {
                access.perform(mapped, file);
            }
            switch (region) {
                case TRUNCATED -> Memfd.resize(file, Mman.pageSize());
                case PROT_NONE -> TestCalls.forbidAccess(mapped.asSlice(Mman.pageSize()));
                case OVERLAID -> Mman.overlayAnonymous(mapped, Mman.pageSize(), Mman.pageSize());
            }
            return attempt(access, mapped, file);
        }
    }

    private static String attempt(Access access, MemorySegment mapped, Fd file) throws Throwable {
        String result;
        try {
            try {
                result = "no fault, result " + access.perform(mapped, file);
            } catch (InternalError e) {
                return "InternalError";
            }
            // The JVM delivers the error when the thread next looks for one, as it does around a wait.
            LockSupport.parkNanos(1);
            return result;
        } catch (InternalError e) {
            return "InternalError, late";
        }
    }

    /** Two threads read and write pages while these change between the file and anonymous memory. */
    private static void race(int swaps) throws Exception {
        try (Arena arena = Arena.ofShared(); Fd file = Memfd.create("fault-matrix", 0)) {
            Memfd.resize(file, SIZE);
            MemorySegment mapped = Mman.map(file, 0, SIZE, Mman.PROT_READ | Mman.PROT_WRITE, arena);
            NativeCall mmap = NativeCall.returningLong("mmap");
            List<Reader> readers = List.of(new Reader(mapped), new Reader(mapped));
            readers.forEach(Thread::start);
            long deadline = System.nanoTime() + RACE_LIMIT.toNanos();
            int done = 0;
            while (done < swaps || (!readers.stream().allMatch(Reader::hasRun) && System.nanoTime() - deadline < 0)) {
                Mman.overlayAnonymous(mapped, 0, SIZE);
                mmap.orThrow(mmap.call(mapped.address(), SIZE, Mman.PROT_READ | Mman.PROT_WRITE,
                        Mman.MAP_SHARED | Mman.MAP_FIXED, file.number(), 0));
                done++;
            }
            boolean readersRan = readers.stream().allMatch(Reader::hasRun);
            for (Reader reader : readers) {
                reader.end = true;
                reader.join();
            }
            System.out.println("swaps=" + done);
            System.out.println("readers-ran=" + readersRan);
            System.out.println("outcome=no fault");
        }
    }

    /** An error in it ends the JVM with exit code 1. */
    private static final class Reader extends Thread {
        private static final int ENOUGH = 1000;

        private final MemorySegment mapped;
        private volatile boolean end;
        private volatile int rounds;

        Reader(MemorySegment mapped) {
            this.mapped = mapped;
            setUncaughtExceptionHandler((thread, thrown) -> {
                System.out.println("outcome=" + thrown);
                Runtime.getRuntime().halt(1);
            });
        }

        /** Whether it has read and written often enough for the swaps so far to have met it. */
        boolean hasRun() {
            return rounds >= ENOUGH;
        }

        @Override
        public void run() {
            MemorySegment copy = MemorySegment.ofArray(new byte[BULK]);
            int done = 0;
            while (!end) {
                mapped.asSlice(AT, BULK).fill((byte) 1);
                MemorySegment.copy(mapped, AT, copy, 0, BULK);
                INT.compareAndSet(mapped, AT, 0, 1);
                SHORT.setRelease(mapped, AT, (short) 5);
                done++;
                rounds = done;
            }
        }
    }
}
