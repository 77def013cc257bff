package sluice.dmacore.executor;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Optional;

import sluice.dmacore.ownership.CacheExecutor;
import sluice.dmacore.ownership.Harm;
import sluice.dmacore.ownership.Lines;

/**
 * Writes lines back with the CPU's instruction, for a non-snooping consumer outside this process. Processes of one
 * machine are coherent, so this does not change what they see.
 *
 * <p>A process cannot drop a line without writing it back, so non-snooping devices may only read.
 */
public final class CpuWriteBack implements CacheExecutor {
    private static final String EXPORT = "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED";

    private final MethodHandle writeBack;

    /** @param writeBack takes an address and a length in bytes, both long */
    CpuWriteBack(MethodHandle writeBack) {
        this.writeBack = writeBack;
    }

    /**
     * The CPU's write-back; empty if the CPU has no such instruction, or the JVM lacks the required option. The JVM
     * generates its stub when the C2 compiler starts: without C2 (-Xint, -XX:TieredStopAtLevel=1) the stub is missing,
     * but the JVM reports it as present and crashes.
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

    /** The required option of the JVM. */
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

    /** @throws UnsupportedOperationException always; mappings that would need it are refused */
    @Override
    public void invalidate(Lines lines, int first, int end, Harm harm) {
        throw new UnsupportedOperationException(
                "a process cannot invalidate cache lines: give this executor to devices that only read");
    }
}
