package sluice.dmacore.buffer;

import java.io.IOException;
import java.util.Arrays;
import java.util.EnumSet;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.ownership.Direction;
import sluice.dmacore.ownership.Flavour;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.dmacore.buffer.Machine.PAGE;

/** Device writes without a sync for the CPU: a hint, because the CPU may have read stale bytes unnoticed. */
class NeverFetchedTest {
    private Machine machine;
    private FileMapping ram;
    private Attachment attachment;
    private DeviceMapping mapping;
    private DeviceView camera;

    @BeforeEach
    void captures() throws IOException {
        start(Flavour.ARM64);
    }

    private void start(Flavour flavour) throws IOException {
        machine = Machine.modelledWith(DmaCoreOptions.counting().withFlavour(flavour));
        ram = machine.file(1);
        DmaBuf buffer = machine.guest("frame", ram, 0);
        DeviceFunction function = machine.device("camera");
        camera = machine.view(function);
        attachment = buffer.attach(function, Stream.NON_COHERENT);
        mapping = attachment.map(Direction.BIDIRECTIONAL);
        Machine.write(camera, mapping, 0, Machine.bytes(PAGE, 1));
    }

    @AfterEach
    void end() throws IOException {
        if (mapping.isLive()) mapping.unmap();
        attachment.detach();
        machine.close();
    }

    private void hinted(long from, long length, String what) {
        Finding hint = machine.only(Rule.NEVER_FETCHED);
        assertThat(hint.from()).isEqualTo(from);
        assertThat(hint.length()).isEqualTo(length);
        assertThat(hint.what()).startsWith(what);
        machine.found(Rule.NEVER_FETCHED);
    }

    @Test
    void aFrameThatWasTakenBackTheWrongWayIsGivenAgain() throws IOException {
        mapping.syncForCpu(0, PAGE, Direction.TO_DEVICE);
        mapping.syncForDevice(0, PAGE, Direction.FROM_DEVICE);
        hinted(0, PAGE, "");
    }

    @Test
    void aPartOfALineIsGivenAgain() throws IOException {
        mapping.syncForCpu(0, PAGE, Direction.TO_DEVICE);
        mapping.syncForDevice(70, 20, Direction.FROM_DEVICE);
        hinted(70, 20, "");
    }

    /** Its invalidation before the device's turn brings the bytes, too late. */
    @Test
    void arcFetchesThemWhenTheyAreGivenAgain() throws IOException {
        end();
        start(Flavour.ARC);
        mapping.syncForCpu(0, PAGE, Direction.TO_DEVICE);
        mapping.syncForDevice(0, PAGE, Direction.FROM_DEVICE);
        assertThat(Machine.load(ram, 0, PAGE)).isEqualTo(Machine.bytes(PAGE, 1));
        hinted(0, PAGE, "what the device wrote was not fetched when it was taken back");
    }

    @ParameterizedTest
    @EnumSource(value = Direction.class, names = "TO_DEVICE", mode = EnumSource.Mode.EXCLUDE)
    void aFrameThatTheDeviceHasIsGivenToItAgain(Direction part) throws IOException {
        mapping.syncForDevice(0, PAGE, part);
        hinted(0, PAGE, "given to the device again");
    }

    @Test
    void theMappingEndsWithoutATransfer() throws IOException {
        mapping.unmap(Direction.BIDIRECTIONAL, EnumSet.of(DmaAttribute.SKIP_CPU_SYNC));
        hinted(0, PAGE, "what the device wrote was not fetched");
    }

    @Test
    void whatTheCpuHasWrittenAnewIsNotMissed() throws IOException {
        mapping.syncForCpu(0, PAGE, Direction.TO_DEVICE);
        byte[] drawn = new byte[PAGE];
        Arrays.fill(drawn, (byte) 2); // a store of what is there already is not seen
        Machine.store(ram, 0, drawn);
        mapping.syncForDevice(0, PAGE, Direction.TO_DEVICE);
        assertThat(Machine.read(camera, mapping, 0, PAGE)).isEqualTo(drawn);
        machine.none(Rule.NEVER_FETCHED);
        machine.found();
    }

    /** The buffer's other periods are the device's, and the CPU has not asked for them. */
    @Test
    void aPeriodOfTheDevicesOnTheSameLineIsNotMissed() throws IOException {
        mapping.syncForCpu(0, 100, Direction.FROM_DEVICE);
        Machine.write(camera, mapping, 100, Machine.bytes(100, 3));
        mapping.syncForDevice(0, 100, Direction.FROM_DEVICE);
        mapping.syncForCpu();
        assertThat(Machine.load(ram, 100, 100)).isEqualTo(Machine.bytes(100, 3));
        machine.none(Rule.NEVER_FETCHED);
    }

    /** It wrote the part of a line that it had kept: the end of its mapping fetches that, whatever came between. */
    @Test
    void whatADeviceWroteInTheRestOfALineIsFetchedAtTheEnd() throws IOException {
        mapping.syncForCpu(0, 100, Direction.FROM_DEVICE);
        Machine.write(camera, mapping, 100, Machine.bytes(28, 3));
        mapping.syncForCpu(0, PAGE, Direction.TO_DEVICE);
        mapping.unmap();
        assertThat(Machine.load(ram, 100, 28)).isEqualTo(Machine.bytes(28, 3));
        machine.found();
    }
}
