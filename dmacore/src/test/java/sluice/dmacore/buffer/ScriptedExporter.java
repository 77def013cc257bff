package sluice.dmacore.buffer;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;

/** Gives what a test says, one after the other, and counts what was freed. */
final class ScriptedExporter implements Exporter {
    /** One answer. */
    interface Answer {
        /** Gives memory, or refuses. */
        Runs give() throws DmaBufException;
    }

    /** What a device is to see. */
    interface Translator {
        /** Null for the memory as it is. */
        @Nullable
        Runs seen(Runs memory);
    }

    private final Deque<Answer> answers;
    private final boolean late;
    private final Translator translator;
    final AtomicInteger freed = new AtomicInteger();

    ScriptedExporter(boolean late, Translator translator, List<Answer> answers) {
        this.answers = new ArrayDeque<>(answers);
        this.late = late;
        this.translator = translator;
    }

    /** Gives memory at once, and other memory when it moves. */
    static ScriptedExporter of(Answer... answers) {
        return new ScriptedExporter(false, _ -> null, List.of(answers));
    }

    static Answer run(FileMapping file, long offset, long length) {
        return () -> {
            Runs runs = new Runs();
            runs.add(file, offset, length);
            return runs;
        };
    }

    @Override
    public String name() {
        return "script";
    }

    @Override
    public CpuWriters cpuWriters() {
        return CpuWriters.UNSEEN;
    }

    @Override
    public boolean allocatesLate() {
        return late;
    }

    @Override
    public boolean moves() {
        return true;
    }

    @Override
    public synchronized BufferMemory allocate(AllocationRequest request) throws DmaBufException {
        return BufferMemory.ofPages(answers.removeFirst().give(), freed::incrementAndGet);
    }

    @Override
    public @Nullable BufferMemory translate(DeviceFunction function, BufferMemory memory) {
        Runs seen = translator.seen(memory.runs());
        return seen == null ? null : BufferMemory.ofPages(seen, freed::incrementAndGet);
    }
}
