package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.Errno;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;
import static sluice.dmacore.buffer.Refused.refused;

/** A device that uses a copy, whether it snoops or not: it never touches the buffer's own lines. */
@Tag("S37")
@Tag("M15")
class BouncedMappingTest {
    private static final EnumSet<DmaAttribute> BOUNCE = EnumSet.of(DmaAttribute.ALLOW_BOUNCE);
    private static final EnumSet<DmaAttribute> SKIP_AND_BOUNCE = EnumSet.of(DmaAttribute.ALLOW_BOUNCE,
            DmaAttribute.SKIP_CPU_SYNC);
    private static final int[] SCATTERED = { 5, 2, 7 };
    private static final int SIZE = 3 * PAGE;

    static List<Stream> streams() {
        return List.of(Stream.COHERENT, Stream.NON_COHERENT);
    }

    private static DeviceFunction old(Machine machine) {
        return machine.core().function("old", DeviceDmaParams.scatterGather().withSegments(1 << 20, 2));
    }

    @ParameterizedTest
    @MethodSource("streams")
    void whatEitherSideWritesIsThereForTheOther(Stream stream) throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(8);
            DmaBuf buffer = machine.guest("scattered", ram, SCATTERED);
            DeviceFunction old = old(machine);
            DeviceView view = machine.view(old);
            Attachment attachment = buffer.attachBouncing(old, stream);
            Machine.store(ram, 5 * PAGE, Machine.bytes(PAGE, 1));
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, BOUNCE);
            assertThat(Machine.read(view, mapping, 0, PAGE)).isEqualTo(Machine.bytes(PAGE, 1));
            Machine.write(view, mapping, 2 * PAGE, Machine.bytes(PAGE, 2));
            mapping.syncForCpu();
            assertThat(Machine.load(ram, 7 * PAGE, PAGE)).isEqualTo(Machine.bytes(PAGE, 2));
            Machine.store(ram, 2 * PAGE, Machine.bytes(PAGE, 3));
            mapping.syncForDevice();
            assertThat(Machine.read(view, mapping, PAGE, PAGE)).isEqualTo(Machine.bytes(PAGE, 3));
            Machine.write(view, mapping, 64, Machine.bytes(64, 4));
            mapping.unmap();
            assertThat(Machine.load(ram, 5 * PAGE + 64, 64)).isEqualTo(Machine.bytes(64, 4));
            assertThat(buffer.counters().writeBackRequested() + buffer.counters().invalidateRequested())
                    .as("no operation on lines that the device does not touch").isZero();

            DeviceMapping filled = attachment.map(Direction.FROM_DEVICE, BOUNCE);
            Machine.write(view, filled, 0, Machine.bytes(SIZE, 5));
            filled.unmap();
            attachment.detach();
            for (int page = 0; page < SCATTERED.length; page++) {
                byte[] wanted = new byte[PAGE];
                System.arraycopy(Machine.bytes(SIZE, 5), page * PAGE, wanted, 0, PAGE);
                assertThat(Machine.load(ram, (long) SCATTERED[page] * PAGE, PAGE)).isEqualTo(wanted);
            }
            machine.found(Rule.BOUNCED);
        }
    }

    @ParameterizedTest
    @MethodSource("streams")
    void theCopyThatComesBackIsNewerThanMemory(Stream stream) throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.released(machine.core().export("told", SIZE,
                    new BracketedPages(Machine.runs(machine.file(8), SCATTERED))));
            DeviceFunction display = machine.device("display");
            Attachment shown = buffer.attach(display, Stream.NON_COHERENT);
            DeviceView seen = machine.view(display);
            DeviceFunction old = old(machine);
            DeviceView view = machine.view(old);
            Attachment attachment = buffer.attachBouncing(old, stream);
            DeviceMapping mapping = shown.map(Direction.TO_DEVICE);
            mapping.syncForCpu();
            DeviceMapping copied = attachment.map(Direction.FROM_DEVICE, BOUNCE);
            Machine.write(view, copied, 0, Machine.bytes(SIZE, 1));
            copied.unmap();
            mapping.syncForDevice();
            assertThat(Machine.read(seen, mapping, 0, SIZE)).isEqualTo(Machine.bytes(SIZE, 1));
            mapping.unmap();
            attachment.detach();
            shown.detach();
            machine.found(Rule.BOUNCED);
        }
    }

    /** Nothing is copied in either of these directions, so that no copy shows the mistake. */
    @ParameterizedTest
    @MethodSource("streams")
    void whatWasTakenBackWithoutACopyAndIsGivenAgainWasNeverFetched(Stream stream) throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(8);
            DmaBuf buffer = machine.guest("scattered", ram, SCATTERED);
            DeviceFunction old = old(machine);
            DeviceView view = machine.view(old);
            Attachment attachment = buffer.attachBouncing(old, stream);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, BOUNCE);
            Machine.write(view, mapping, 100, Machine.bytes(PAGE, 1));
            mapping.syncForCpu(200, SIZE - 200, Direction.TO_DEVICE);
            // Not what is asked for later, nor what the CPU writes anew.
            mapping.syncForCpu(200, 50, Direction.FROM_DEVICE);
            Machine.store(ram, 5 * PAGE + 250, Machine.bytes(50, 2));
            mapping.syncForDevice(0, SIZE, Direction.FROM_DEVICE);
            Finding told = machine.only(Rule.NEVER_FETCHED);
            assertThat(told.from()).isEqualTo(300);
            assertThat(told.length()).isEqualTo(PAGE - 200);
            assertThat(told.device()).isEqualTo("old");
            mapping.syncForDevice(250, 50, Direction.TO_DEVICE);
            // Told once; and what the device writes anew is not what was left.
            mapping.syncForCpu(0, SIZE, Direction.TO_DEVICE);
            mapping.syncForDevice(0, 0, Direction.FROM_DEVICE);
            mapping.syncForDevice(PAGE + 200, 10, Direction.FROM_DEVICE);
            Machine.write(view, mapping, PAGE + 200, Machine.bytes(10, 3));
            mapping.syncForCpu(PAGE + 200, 10, Direction.FROM_DEVICE);
            mapping.syncForDevice(PAGE + 200, 10, Direction.FROM_DEVICE);
            assertThat(machine.only(Rule.NEVER_FETCHED)).isEqualTo(told);
            mapping.unmap();
            attachment.detach();
            machine.found(Rule.BOUNCED, Rule.NEVER_FETCHED);
        }
    }

    @ParameterizedTest
    @MethodSource("streams")
    void whatItWroteBeforeTheBufferWasRevokedIsNotLost(Stream stream) throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(8);
            DmaBuf buffer = machine.guest("scattered", ram, SCATTERED);
            DeviceFunction old = old(machine);
            DeviceView view = machine.view(old);
            Attachment attachment = buffer.attachBouncing(old, stream);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, BOUNCE);
            Machine.write(view, mapping, 0, Machine.bytes(PAGE, 1));
            buffer.revoke();
            assertThat(Machine.load(ram, 5 * PAGE, PAGE)).isEqualTo(Machine.bytes(PAGE, 1));
            mapping.unmap();
            attachment.detach();
            machine.found(Rule.BOUNCED);
        }
    }

    /** An invalidation changes the buffer's bytes without a write: the newest bytes are still in the copy. */
    @Test
    void whatAFetchBringsIsNoNewerThanTheCopy() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.guest("scattered", machine.file(8), SCATTERED);
            DeviceFunction camera = machine.device("camera");
            Attachment captured = buffer.attach(camera, Stream.NON_COHERENT);
            DeviceFunction old = old(machine);
            Attachment attachment = buffer.attachBouncing(old, Stream.NON_COHERENT);
            DeviceMapping capture = captured.map(Direction.FROM_DEVICE);
            Machine.write(machine.view(camera), capture, 0, Machine.bytes(SIZE, 1));
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, BOUNCE);
            Machine.write(machine.view(old), mapping, PAGE, Machine.bytes(PAGE, 2));
            capture.unmap();
            mapping.unmap(Direction.BIDIRECTIONAL, SKIP_AND_BOUNCE);
            assertThat(machine.only(Rule.NEVER_FETCHED)).extracting(Finding::from, Finding::length)
                    .containsExactly((long) PAGE, (long) PAGE);
            attachment.detach();
            captured.detach();
            machine.about(Rule.D17_OVERLAPPING_WRITES, "[0x0, 0x2fff]");
            machine.found(Rule.BOUNCED, Rule.D17_OVERLAPPING_WRITES, Rule.NEVER_FETCHED);
        }
    }

    /** What the CPU stored untold is newer than the copy, and stays the newest when an invalidation has destroyed it. */
    @Test
    void whatAFetchDestroysWasNewerThanTheCopy() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(8);
            DmaBuf buffer = machine.guest("scattered", ram, SCATTERED);
            DeviceFunction camera = machine.device("camera");
            Attachment captured = buffer.attach(camera, Stream.NON_COHERENT);
            DeviceFunction old = old(machine);
            Attachment attachment = buffer.attachBouncing(old, Stream.NON_COHERENT);
            DeviceMapping capture = captured.map(Direction.FROM_DEVICE);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, BOUNCE);
            Machine.write(machine.view(old), mapping, 0, Machine.bytes(64, 2));
            Machine.store(ram, 5 * PAGE, Machine.bytes(64, 3));
            capture.unmap();
            machine.about(Rule.D17_OVERLAPPING_WRITES, "[0x0, 0x2fff]");
            machine.about(Rule.NEVER_WRITTEN, "[0x0, 0x2fff]");
            machine.foundNext(Rule.BOUNCED, Rule.D17_OVERLAPPING_WRITES, Rule.MAPPED_AT_IMPORT, Rule.NEVER_WRITTEN,
                    Rule.CPU_WROTE_DEVICE_OWNED);
            mapping.unmap(Direction.BIDIRECTIONAL, SKIP_AND_BOUNCE);
            machine.none(Rule.NEVER_FETCHED);
            attachment.detach();
            captured.detach();
            machine.found();
        }
    }

    /** A device without ownership writes nevertheless, which is a finding; its bytes are newer than the copy. */
    @Test
    void whatAnotherDeviceWritesOutOfTurnIsNewerThanTheCopy() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.guest("scattered", machine.file(8), SCATTERED);
            DeviceFunction camera = machine.device("camera");
            DeviceView seen = machine.view(camera);
            Attachment captured = buffer.attach(camera, Stream.NON_COHERENT);
            DeviceFunction old = old(machine);
            Attachment attachment = buffer.attachBouncing(old, Stream.NON_COHERENT);
            DeviceMapping capture = captured.map(Direction.BIDIRECTIONAL);
            capture.syncForCpu();
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, BOUNCE);
            Machine.write(machine.view(old), mapping, 0, Machine.bytes(PAGE, 1));
            Machine.write(seen, capture, 0, Machine.bytes(PAGE, 2));
            machine.foundNext(Rule.BOUNCED, Rule.MISSING_SYNC_FOR_DEVICE);
            capture.syncForDevice();
            assertThat(Machine.read(seen, capture, 0, PAGE)).isEqualTo(Machine.bytes(PAGE, 2));
            capture.unmap();
            machine.about(Rule.D17_OVERLAPPING_WRITES, "[0x0, 0x2fff]");
            machine.about(Rule.NEVER_FETCHED, "[0x0, 0x2fff]");
            machine.found(Rule.D17_OVERLAPPING_WRITES, Rule.NEVER_FETCHED);
            mapping.unmap(Direction.BIDIRECTIONAL, SKIP_AND_BOUNCE);
            assertThat(machine.only(Rule.NEVER_FETCHED).device()).isEqualTo("camera");
            attachment.detach();
            captured.detach();
        }
    }

    /** Where the copy differs from the buffer, and where memory is newer than both: all that it reads is old. */
    @Test
    void allOldBytesOfACopyAreToldOf() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.guest("scattered", machine.file(8), SCATTERED);
            DeviceFunction camera = machine.device("camera");
            Attachment captured = buffer.attach(camera, Stream.NON_COHERENT);
            DeviceFunction old = old(machine);
            DeviceView view = machine.view(old);
            Attachment attachment = buffer.attachBouncing(old, Stream.NON_COHERENT);
            DeviceMapping capture = captured.map(Direction.BIDIRECTIONAL);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, BOUNCE);
            Machine.write(view, mapping, PAGE, filled((byte) 1));
            Machine.write(machine.view(camera), capture, 0, filled((byte) 2, SIZE));
            Machine.read(view, mapping, 0, SIZE);
            assertThat(machine.only(Rule.CPU_WROTE_DEVICE_OWNED)).extracting(Finding::from, Finding::length)
                    .containsExactly(0L, (long) SIZE);
            capture.unmap();
            mapping.unmap(Direction.BIDIRECTIONAL, SKIP_AND_BOUNCE);
            attachment.detach();
            captured.detach();
        }
    }

    private static byte[] filled(byte value) {
        return filled(value, PAGE);
    }

    private static byte[] filled(byte value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, value);
        return bytes;
    }

    @Test
    void aTransferOfAPartCopiesJustThat() throws IOException {
        try (Machine machine = Machine.modelled()) {
            FileMapping ram = machine.file(8);
            DmaBuf buffer = machine.guest("scattered", ram, SCATTERED);
            DeviceFunction old = old(machine);
            DeviceView view = machine.view(old);
            Attachment attachment = buffer.attachBouncing(old, Stream.COHERENT);
            DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL, BOUNCE);
            Machine.write(view, mapping, 0, filled((byte) 1, SIZE));
            mapping.syncForCpu(PAGE + 10, 20, Direction.FROM_DEVICE);
            for (int page = 0; page < SCATTERED.length; page++) {
                byte[] expected = new byte[PAGE];
                if (page == 1) Arrays.fill(expected, 10, 30, (byte) 1);
                assertThat(Machine.load(ram, (long) SCATTERED[page] * PAGE, PAGE)).isEqualTo(expected);
            }
            Machine.store(ram, (long) SCATTERED[1] * PAGE, filled((byte) 2));
            mapping.syncForDevice(PAGE + 10, 20, Direction.TO_DEVICE);
            byte[] seen = filled((byte) 1, SIZE);
            Arrays.fill(seen, PAGE + 10, PAGE + 30, (byte) 2);
            machine.found(Rule.BOUNCED);
            assertThat(Machine.read(view, mapping, 0, SIZE)).isEqualTo(seen);
            mapping.discard();
            attachment.detach();
        }
    }

    @Test
    @Tag("D18")
    void itOwnsLinesByItselfAndSixtyFourMay() throws IOException {
        try (Machine machine = Machine.modelled()) {
            DmaBuf buffer = machine.guest("scattered", machine.file(8), SCATTERED);
            Attachment attachment = buffer.attachBouncing(old(machine), Stream.NON_COHERENT);
            for (int i = 0; i < 100; i++) attachment.map(Direction.BIDIRECTIONAL, BOUNCE).unmap();
            Attachment[] others = new Attachment[63];
            for (int i = 0; i < others.length; i++)
                others[i] = buffer.attach(machine.device("device"), Stream.COHERENT);
            refused(Errno.ENOMEM, () -> attachment.map(Direction.BIDIRECTIONAL, BOUNCE), "looks like a leak");
            others[0].detach();
            attachment.map(Direction.BIDIRECTIONAL, BOUNCE).unmap();
            for (Attachment other : others) other.detach();
            attachment.detach();
            machine.found(Rule.BOUNCED, Rule.D18_TOO_MANY_OVERLAPS);
        }
    }
}
