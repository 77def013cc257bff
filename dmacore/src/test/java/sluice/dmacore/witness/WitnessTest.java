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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.buffer.DmaAttribute;
import sluice.dmacore.buffer.DmaBufException;
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
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A card that does not snoop, under a kernel that tells each call of its DMA API. */
class WitnessTest {
    private static final int PAGE = Machine.PAGE;
    private static final int PAGES = 64;
    /** Where the guest's memory is on the bus. */
    private static final long RAM = 0x1_0000_0000L;
    private static final Set<DmaAttribute> NONE = EnumSet.noneOf(DmaAttribute.class);
    private static final Set<DmaAttribute> SKIP = EnumSet.of(DmaAttribute.SKIP_CPU_SYNC);

    private final Machine machine = Machine.modelled();
    private final DmaMappedSpace space = DmaMappedSpace.open("card");
    private final Witness witness = new Witness(machine.core());
    private final byte[] frame = new byte[2 * PAGE];
    private WitnessedDevice card;
    private WitnessedView view;
    private DmaReader bus;
    private FileMapping ram;

    @BeforeEach
    void start() throws Exception {
        new Random(12).nextBytes(frame);
        ram = machine.file(PAGES);
        space.map(RAM, (long) PAGES * PAGE, ram, 0, Permission.READ_WRITE);
        served(Stream.NON_COHERENT);
    }

    private void served(Stream stream) {
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

    private static KernelCall call(String name, Direction direction, Set<DmaAttribute> attributes) {
        return new KernelCall(name, direction, attributes);
    }

    private Runs pages(int... numbers) {
        return Machine.runs(ram, numbers);
    }

    private Runs line(int page, int line) {
        Runs runs = new Runs();
        runs.add(ram, (long) page * PAGE + line * 64L, 64);
        return runs;
    }

    private Runs bytes(int page, long length) {
        Runs runs = new Runs();
        runs.add(ram, (long) page * PAGE, length);
        return runs;
    }

    /** Pages one by one, as a scattered list. */
    private void map(WitnessedDevice device, Direction direction, Set<DmaAttribute> attributes, int... numbers)
            throws IOException {
        long[] addresses = Arrays.stream(numbers).mapToLong(number -> RAM + (long) number * PAGE).toArray();
        long[] lengths = new long[numbers.length];
        Arrays.fill(lengths, PAGE);
        device.map(call("dma_map_sg", direction, attributes), addresses, lengths, pages(numbers));
    }

    private static long at(int page) {
        return RAM + (long) page * PAGE;
    }

    private void unmap(WitnessedDevice device, Direction direction, Set<DmaAttribute> attributes, int first)
            throws IOException {
        device.unmap(call("dma_unmap_sg", direction, attributes), at(first), PAGE);
    }

    private void syncForCpu(WitnessedDevice device, int... numbers) throws IOException {
        for (int number : numbers)
            device.syncForCpu(call("dma_sync_sg_for_cpu", Direction.FROM_DEVICE, NONE), at(number), PAGE);
    }

    private void deviceWrites(int page, int bytes) {
        assertThat(move(Access.WRITE, at(page), MemorySegment.ofArray(frame), bytes)).isTrue();
    }

    private byte[] deviceReads(int page, int bytes) {
        byte[] read = new byte[bytes];
        assertThat(move(Access.READ, at(page), MemorySegment.ofArray(read), bytes)).isTrue();
        return read;
    }

    private boolean move(Access access, long address, MemorySegment local, int bytes) {
        return view.move(access, address, local, 0, bytes, (kind, place, segment, offset, length) -> {
            Outcome result = kind == Access.READ
                    ? bus.read(place, segment, offset, length)
                    : bus.write(place, segment, offset, length);
            return result == Outcome.RESOLVED;
        });
    }

    private byte[] cpuReads(int page, int bytes) {
        return ram.segment().asSlice((long) page * PAGE, bytes).toArray(ValueLayout.JAVA_BYTE);
    }

    private byte[] frame(int bytes) {
        return Arrays.copyOf(frame, bytes);
    }

    private List<Rule> errors() {
        List<Rule> rules = machine.core().findings().errors().stream().map(Finding::rule).toList();
        machine.core().findings().clear();
        return rules;
    }

    // ---- right drivers

    @Test
    void aFrameIsSeenAfterItsSync() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5, 9);
        deviceWrites(5, PAGE);
        view.move(Access.WRITE, at(9), MemorySegment.ofArray(frame), PAGE, PAGE, (_, _, _, _, _) -> false);
        assertThat(cpuReads(5, PAGE)).as("before the sync").containsOnly(0);
        syncForCpu(card, 5, 9);
        assertThat(cpuReads(5, PAGE)).isEqualTo(frame(PAGE));
        assertThat(cpuReads(9, PAGE)).isEqualTo(Arrays.copyOfRange(frame, PAGE, 2 * PAGE));
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        assertThat(errors()).isEmpty();
        assertThat(card.live()).isZero();
    }

    @Test
    void aBufferThatIsUsedAgainIsSyncedBothWays() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5);
        for (int round = 1; round <= 3; round++) {
            frame[0] = (byte) round;
            card.syncForDevice(call("dma_sync_single_for_device", Direction.FROM_DEVICE, NONE), at(5), PAGE);
            deviceWrites(5, PAGE);
            syncForCpu(card, 5);
            assertThat(cpuReads(5, PAGE)).isEqualTo(frame(PAGE));
        }
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        assertThat(errors()).isEmpty();
    }

    @Test
    void whatTheCpuWroteIsReadAfterTheMap() throws Exception {
        MemorySegment.copy(frame, 0, ram.segment(), ValueLayout.JAVA_BYTE, 3L * PAGE, PAGE);
        map(card, Direction.TO_DEVICE, NONE, 3);
        assertThat(deviceReads(3, PAGE)).isEqualTo(frame(PAGE));
        unmap(card, Direction.TO_DEVICE, NONE, 3);
        assertThat(errors()).isEmpty();
    }

    /** udmabuf maps its importers without cache operations, and syncs its own device when user space asks for it. */
    @Test
    void theSyncOfAnotherDeviceFetchesTheFrame() throws Exception {
        WitnessedDevice udmabuf = witness.other("udmabuf", Budget.ofProcess().own());
        if (udmabuf == null) throw new AssertionError("no room for udmabuf");
        assertThat(udmabuf.stream()).isEqualTo(Stream.NON_COHERENT);
        map(udmabuf, Direction.BIDIRECTIONAL, NONE, 7);
        map(card, Direction.FROM_DEVICE, NONE, 7);
        deviceWrites(7, PAGE);
        unmap(card, Direction.FROM_DEVICE, SKIP, 7);
        assertThat(cpuReads(7, PAGE)).as("nobody has fetched it").containsOnly(0);
        syncForCpu(udmabuf, 7);
        assertThat(cpuReads(7, PAGE)).isEqualTo(frame(PAGE));
        unmap(udmabuf, Direction.BIDIRECTIONAL, NONE, 7);
        assertThat(errors()).isEmpty();
    }

    @Test
    void coherentMemoryNeedsNoSyncWhicheverDeviceItIsFor() throws Exception {
        WitnessedDevice vivid = witness.other("vivid.0", Budget.ofProcess().own());
        if (vivid == null) throw new AssertionError("no room for vivid");
        vivid.allocated(at(20), 2L * PAGE, pages(20, 21));
        card.allocated(at(30), PAGE, pages(30));
        map(card, Direction.FROM_DEVICE, SKIP, 20, 21);
        deviceWrites(20, 2 * PAGE);
        deviceWrites(30, PAGE);
        assertThat(cpuReads(20, 2 * PAGE)).isEqualTo(frame);
        assertThat(cpuReads(30, PAGE)).isEqualTo(frame(PAGE));
        unmap(card, Direction.FROM_DEVICE, SKIP, 20);
        vivid.freed(at(20));
        card.freed(at(30));
        assertThat(errors()).isEmpty();
        // The pages are ordinary ones again.
        map(card, Direction.FROM_DEVICE, NONE, 20);
        Arrays.fill(frame, (byte) 7);
        deviceWrites(20, PAGE);
        assertThat(cpuReads(20, 1)[0]).isNotEqualTo((byte) 7);
        unmap(card, Direction.FROM_DEVICE, NONE, 20);
        assertThat(cpuReads(20, PAGE)).isEqualTo(frame(PAGE));
        assertThat(errors()).isEmpty();
    }

    @Test
    void aPageMayBeMappedTwiceToBeRead() throws Exception {
        map(card, Direction.TO_DEVICE, NONE, 4);
        map(card, Direction.TO_DEVICE, NONE, 4, 6);
        assertThat(deviceReads(4, PAGE)).containsOnly(0);
        unmap(card, Direction.TO_DEVICE, NONE, 4);
        assertThat(deviceReads(4, PAGE)).as("the other is there").containsOnly(0);
        unmap(card, Direction.TO_DEVICE, NONE, 4);
        assertThat(card.live()).isZero();
        assertThat(errors()).isEmpty();
    }

    @Test
    void memoryElsewhereMovesAsTheFrontEndHasIt() throws Exception {
        card.mapElsewhere(new long[]{ at(40) }, new long[]{ PAGE });
        deviceWrites(40, PAGE);
        assertThat(cpuReads(40, PAGE)).isEqualTo(frame(PAGE));
        assertThat(errors()).isEmpty();
    }

    // ---- wrong ones

    @Test
    void memoryThatWasNeverMappedIsReachedAndFound() {
        deviceWrites(50, PAGE);
        assertThat(cpuReads(50, PAGE)).as("as on a bus without an IOMMU").isEqualTo(frame(PAGE));
        Finding finding = machine.core().findings().errors().getFirst();
        assertThat(finding.rule()).isEqualTo(Rule.DEVICE_FOREIGN_ADDRESS);
        assertThat(finding.device()).isEqualTo("card");
        assertThat(finding.buffer()).isEqualTo("0x" + Long.toHexString(at(50)));
        assertThat(finding.length()).isEqualTo(PAGE);
        machine.core().findings().clear();
    }

    @Test
    void anAccessAfterTheUnmapIsFoundWithTheCallThatEndedIt() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5);
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        deviceWrites(5, 64);
        assertThat(machine.core().findings().errors()).singleElement().satisfies(finding -> {
            assertThat(finding.rule()).isEqualTo(Rule.DEVICE_AFTER_UNMAP);
            assertThat(finding.what()).isEqualTo("written by the device after it was unmapped by dma_unmap_sg");
        });
        machine.core().findings().clear();
    }

    @Test
    void anAccessBeyondTheLengthIsFound() throws Exception {
        card.map(call("dma_map_phys", Direction.FROM_DEVICE, NONE), new long[]{ at(5) }, new long[]{ 100 },
                bytes(5, 100));
        machine.core().findings().clear();
        deviceWrites(5, 164);
        assertThat(errors()).containsExactly(Rule.DEVICE_FOREIGN_ADDRESS);
    }

    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void anAccessAgainstTheDirectionIsFound(boolean snoops) throws Exception {
        served(snoops ? Stream.COHERENT : Stream.NON_COHERENT);
        map(card, Direction.TO_DEVICE, NONE, 5);
        deviceWrites(5, 64);
        assertThat(errors()).contains(Rule.DEVICE_AGAINST_DIRECTION);
    }

    @Test
    void aForgottenSyncShowsTheOldFrameAndIsFoundWhenTheCardGoesOn() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5);
        deviceWrites(5, PAGE);
        syncForCpu(card, 5);
        assertThat(cpuReads(5, PAGE)).isEqualTo(frame(PAGE));
        // No sync for the device.
        deviceWrites(5, PAGE);
        assertThat(errors()).containsExactly(Rule.MISSING_SYNC_FOR_DEVICE);
    }

    @Test
    void callsOfWhatIsNotMappedAreFound() throws Exception {
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        assertThat(errors()).containsExactly(Rule.D2_UNMAP_NOT_MAPPED);
        syncForCpu(card, 5);
        assertThat(errors()).containsExactly(Rule.D19_SYNC_NOT_MAPPED);
        map(card, Direction.FROM_DEVICE, NONE, 5);
        card.syncForCpu(call("dma_sync_single_for_cpu", Direction.FROM_DEVICE, NONE), at(5), PAGE + 64L);
        assertThat(errors()).containsExactly(Rule.D20_SYNC_TOO_LONG);
        card.syncForCpu(call("dma_sync_single_for_cpu", Direction.TO_DEVICE, NONE), at(5), PAGE);
        assertThat(errors()).containsExactly(Rule.D21_SYNC_DIRECTION);
        unmap(card, Direction.TO_DEVICE, NONE, 5);
        assertThat(errors()).containsExactly(Rule.D7_UNMAP_DIRECTION);
        unmap(card, Direction.FROM_DEVICE, NONE, 5);
        assertThat(errors()).as("it is gone").containsExactly(Rule.D2_UNMAP_NOT_MAPPED);
    }

    /** A driver that had its device before anything was told may have mapped whatever it uses. */
    @Test
    void whatWasMappedBeforeAnythingWasToldIsNotBlamed() throws Exception {
        witness.greet(card, false);
        deviceWrites(50, PAGE);
        unmap(card, Direction.FROM_DEVICE, NONE, 50);
        syncForCpu(card, 50);
        assertThat(errors()).isEmpty();
    }

    // ---- limits and ends

    @Test
    void aKernelThatMapsTooMuchIsNotKept() throws Exception {
        for (int i = 0; i <= WitnessedDevice.MOST_MAPPINGS; i++)
            card.map(call("dma_map_phys", Direction.TO_DEVICE, NONE), new long[]{ at(i % PAGES) }, new long[]{ 64 },
                    line(i % PAGES, i / PAGES % PAGES));
        assertThat(card.live()).isLessThanOrEqualTo(WitnessedDevice.MOST_MAPPINGS);
        assertThat(card.untracked()).isPositive();
        machine.core().findings().clear();
    }

    /** One line too often is not taken by the core; the device has it all the same, and is not blamed for it. */
    @Test
    void aMappingThatIsNotTakenIsKnownToExist() throws Exception {
        assertThatExceptionOfType(DmaBufException.class).isThrownBy(() -> {
            for (int i = 0; i <= 64; i++) map(card, Direction.TO_DEVICE, NONE, 8);
        }).withMessageContaining("64 attachments share one of its lines");
        assertThat(card.untracked()).isEqualTo(1);
        machine.core().findings().clear();
        assertThat(deviceReads(8, PAGE)).containsOnly(0);
        assertThat(errors()).isEmpty();
    }

    @Test
    void aKernelThatIsGoneLeavesNothing() throws Exception {
        map(card, Direction.FROM_DEVICE, NONE, 5);
        card.allocated(at(30), PAGE, pages(30));
        deviceWrites(5, PAGE);
        witness.forget();
        assertThat(card.live()).isZero();
        assertThat(card.isTold()).isFalse();
        assertThat(cpuReads(5, PAGE)).as("nothing is transferred").containsOnly(0);
        assertThat(errors()).isEmpty();
    }

    @Test
    void numbersAreOfServedDevicesOnly() {
        assertThat(witness.number(card)).isEqualTo(1);
        assertThat(witness.numbered(1)).isSameAs(card);
        assertThat(witness.numbered(0)).isNull();
        assertThat(witness.numbered(2)).isNull();
        assertThat(witness.numbered(-1)).isNull();
        for (int i = 0; i < Witness.MOST_OTHERS; i++)
            assertThat(witness.other("misc" + i, Budget.ofProcess().own())).isNotNull();
        assertThat(witness.other("one too many", Budget.ofProcess().own())).isNull();
    }
}
