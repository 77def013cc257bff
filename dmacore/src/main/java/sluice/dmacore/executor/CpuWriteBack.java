package sluice.dmacore.executor;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Optional;

import sluice.dmacore.ownership.CacheExecutor;
import sluice.dmacore.ownership.Harm;
import sluice.dmacore.ownership.Lines;

/**
 * Writes lines back with the CPU's own instruction, for a consumer outside of this process that does not snoop. Processes of
 * one machine are coherent with each other, so nothing in here changes what any of them sees.
 *
 * <p>A process cannot drop a line without writing it back, so devices that do not snoop may only read.
 */
public final class CpuWriteBack implements CacheExecutor {
    private static final String EXPORT = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED";

    private final MethodHandle writeBack;

    /** @param writeBack takes an address and a number of bytes, both long */
    CpuWriteBack(MethodHandle writeBack) {
        this.writeBack = writeBack;
    }

    /**
     * The CPU's, or nothing if the CPU has no such instruction, or the JVM was not started with what lets us at it. The JVM's own
     * part is made when its optimising compiler starts: one that has none (-Xint, -XX:TieredStopAtLevel=1) has not got it
     * either, says that it has, and crashes.
     */
    public static Optional<CpuWriteBack> open() {
        String mode = System.getProperty("java.vm.info", "");
        if (!mode.startsWith("mixed mode") || mode.contains("emulated-client")) return Optional.empty();
        try {
            Class<?> unsafe = Class.forName("jdk.internal.misc.Unsafe");
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            Object instance = lookup.findStatic(unsafe, "getUnsafe", MethodType.methodType(unsafe)).invoke();
            boolean enabled = (boolean) lookup
                    .findStatic(unsafe, "isWritebackEnabled", MethodType.methodType(boolean.class)).invoke();
            if (!enabled) return Optional.empty();
            MethodHandle handle = lookup.findVirtual(unsafe, "writebackMemory",
                    MethodType.methodType(void.class, long.class, long.class)).bindTo(instance);
            return Optional.of(new CpuWriteBack(handle));
        } catch (ReflectiveOperationException notExported) {
            return Optional.empty();
        } catch (Throwable e) {
            throw new IllegalStateException("jdk.internal.misc.Unsafe is not what it was in JDK 25", e);
        }
    }

    /** What to start the JVM with. */
    public static String jvmOption() {
        return EXPORT;
    }

    @Override
    public void writeBack(Lines lines, int first, int end, Harm harm) {
        lines.forEachStretch(first, end, (file, offset, bytes, _) -> {
            // The address of a slice: the file stays mapped as long as the lines are in the ledger.
            long address = file.segment().asSlice(offset, Math.min(bytes, file.size() - offset)).address();
            writeBack(address, bytes);
        });
    }

    void writeBack(long address, long bytes) {
        try {
            writeBack.invokeExact(address, bytes);
        } catch (Throwable e) {
            throw new IllegalStateException("writing back 0x%x bytes failed".formatted(bytes), e);
        }
    }

    @Override
    public boolean invalidates() {
        return false;
    }

    /** @throws UnsupportedOperationException always: nothing is mapped that would need it */
    @Override
    public void invalidate(Lines lines, int first, int end, Harm harm) {
        throw new UnsupportedOperationException(
                "a process cannot invalidate cache lines: give this executor to devices that only read");
    }
}
