package sluice.dmacore.witness;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.buffer.Machine;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.space.DmaMappedSpace;
import sluice.dmacore.space.DmaReader;
import sluice.iommu.Access;
import sluice.iommu.Permission;
import sluice.iommu.space.Outcome;

import static org.assertj.core.api.Assertions.assertThat;

/** A card under a kernel that reports each call of its DMA API. */
abstract class WitnessedCard {
    static final int PAGE = Machine.PAGE;
    static final int PAGES = 64;
    /** Where the guest's memory is on the bus. */
    static final long RAM = 0x1_0000_0000L;
    static final Set<DmaAttribute> NONE = EnumSet.noneOf(DmaAttribute.class);
    static final Set<DmaAttribute> SKIP = EnumSet.of(DmaAttribute.SKIP_CPU_SYNC);

    final Machine machine = Machine.modelled();
    final DmaMappedSpace space = DmaMappedSpace.open("card");
    final Witness witness = new Witness(machine.core());
    final byte[] frame = new byte[2 * PAGE];
    @SuppressWarnings("NullAway.Init") // served
    WitnessedDevice card;
    @SuppressWarnings("NullAway.Init") // served
    WitnessedView view;
    @SuppressWarnings("NullAway.Init") // served
    DmaReader bus;
    FileMapping ram;

    @BeforeEach
    void start() throws Exception {
        new Random(12).nextBytes(frame);
        ram = machine.file(PAGES);
        space.map(RAM, (long) PAGES * PAGE, ram, 0, Permission.READ_WRITE);
        served(Stream.NON_COHERENT);
    }

    void served(Stream stream) {
        card = witness.serve("card", stream, Budget.ofProcess().own(), space);
        witness.greet(card, true);
        if (view != null) view.close();
        view = new WitnessedView(card);
        if (bus == null) bus = space.openReader();
    }

    @AfterEach
    void end() throws IOException {
        view.close();
        bus.close();
        witness.forget();
        space.clear();
        machine.close();
    }

    static KernelCall call(String name, Direction direction, Set<DmaAttribute> attributes) {
        return new KernelCall(name, direction, attributes, false);
    }

    Runs pages(int... numbers) {
        return Machine.runs(ram, numbers);
    }

    Runs line(int page, int line) {
        Runs runs = new Runs();
        runs.add(ram, (long) page * PAGE + line * 64L, 64);
        return runs;
    }

    Runs bytes(int page, long length) {
        Runs runs = new Runs();
        runs.add(ram, (long) page * PAGE, length);
        return runs;
    }

    /** Pages one by one, as a scattered list. */
    void map(WitnessedDevice device, Direction direction, Set<DmaAttribute> attributes, int... numbers)
            throws IOException {
        long[] addresses = Arrays.stream(numbers).mapToLong(number -> RAM + (long) number * PAGE).toArray();
        long[] lengths = new long[numbers.length];
        Arrays.fill(lengths, PAGE);
        device.map(call("dma_map_sg", direction, attributes), addresses, lengths, pages(numbers));
    }

    static long at(int page) {
        return RAM + (long) page * PAGE;
    }

    void unmap(WitnessedDevice device, Direction direction, Set<DmaAttribute> attributes,
            int... numbers) throws IOException {
        device.unmap(call("dma_unmap_sg", direction, attributes), at(numbers[0]), PAGE, (long) numbers.length * PAGE);
    }

    void syncForCpu(WitnessedDevice device, int... numbers) throws IOException {
        for (int number : numbers)
            device.syncForCpu(call("dma_sync_sg_for_cpu", Direction.FROM_DEVICE, NONE), at(number), PAGE);
    }

    void deviceWrites(int page, int bytes) {
        assertThat(move(Access.WRITE, at(page), MemorySegment.ofArray(frame), bytes)).isTrue();
    }

    byte[] deviceReads(int page, int bytes) {
        byte[] read = new byte[bytes];
        assertThat(move(Access.READ, at(page), MemorySegment.ofArray(read), bytes)).isTrue();
        return read;
    }

    boolean move(Access access, long address, MemorySegment local, int bytes) {
        return view.move(access, address, local, 0, bytes, (kind, place, segment, offset, length) -> {
            Outcome result = kind == Access.READ
                    ? bus.read(place, segment, offset, length)
                    : bus.write(place, segment, offset, length);
            return result == Outcome.RESOLVED;
        });
    }

    byte[] cpuReads(int page, int bytes) {
        return ram.segment().asSlice((long) page * PAGE, bytes).toArray(ValueLayout.JAVA_BYTE);
    }

    byte[] frame(int bytes) {
        return Arrays.copyOf(frame, bytes);
    }

    List<Rule> errors() {
        List<Rule> rules = machine.core().findings().errors().stream().map(Finding::rule).toList();
        machine.core().findings().clear();
        return rules;
    }

    List<Rule> found() {
        List<Rule> rules = machine.core().findings().all().stream().map(counted -> counted.finding().rule()).toList();
        machine.core().findings().clear();
        return rules;
    }
}
