package sluice.guest;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A user makes QEMU's window larger or smaller while the guest draws: the kernel gets the device's configuration interrupt and
 * asks our device for the new size, and the same program goes on in it. Everything is done once more after a reboot.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}")
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ResizeGuestTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    private record Machine(DisplayBus bus, VhostUserGpu gpu, Qemu qemu) {}

    private static @Nullable Machine running;

    private final TestQemu version;
    private final Machine machine = Objects.requireNonNull(running, "a machine was started before");

    ResizeGuestTest(TestQemu version) {
        this.version = version;
    }

    static List<TestQemu> configurations() {
        return Configurations.of(List.of(TestQemu.QEMU_11), List.of(TestQemu.QEMU_10));
    }

    @BeforeParameterizedClassInvocation
    static void boot(TestQemu version) throws IOException, InterruptedException {
        DisplayBus bus = new DisplayBus();
        VhostUserGpu gpu = VhostUserGpu.start("Sluice", TestGpus.sluiceCommand(),
                VhostUserGpu.Readiness.SAYS_LISTENING);
        try {
            List<String> arguments = new ArrayList<>(gpu.qemuArguments());
            arguments.addAll(bus.qemuArguments());
            running = new Machine(bus, gpu, PatternGuest.boot(version.binary(), arguments));
        } finally {
            if (running == null) {
                gpu.close();
                bus.close();
            }
        }
    }

    @AfterParameterizedClassInvocation
    static void end() throws IOException {
        Machine ended = running;
        running = null;
        if (ended == null) return;
        ended.qemu.close();
        ended.gpu.close();
        ended.bus.close();
    }

    @Test
    @Order(1)
    void aRunningProgramTakesEachNewSize() throws IOException, InterruptedException {
        String kernel = machine.qemu.console().waitFor("^SLUICE boot (.*)$", TestGuest.BOOT).group(1);
        assertThat(kernel).startsWith(version == TestQemu.QEMU_11 ? "7." : "6.12.");
        PatternGuest first = new PatternGuest(machine.qemu, 1280, 800);
        first.awaitReady();
        tellOfEvents(first);
        first.draw(3, 2);
        resizeTo(1024, 768);
        resizeTo(1920, 1080);
        resizeTo(1000, 602).quit();
    }

    /** A rebooted guest finds the last size, for it is the window's. */
    @Test
    @Order(2)
    void aRebootKeepsTheSize() throws IOException, InterruptedException {
        machine.qemu.console().send("reboot -f");
        PatternGuest guest = new PatternGuest(machine.qemu, 1000, 602);
        guest.awaitReady();
        tellOfEvents(guest);
        guest.draw(3, 2);
        resizeTo(1280, 720).quit();
    }

    @Test
    @Order(3)
    void nobodyHasComplained() throws IOException, InterruptedException {
        machine.qemu.console().send("poweroff -f");
        assertThat(machine.qemu.waitForEnd(SOON)).as("QEMU's status").isZero();
        assertThat(machine.gpu.errors()).doesNotContain("WARNING", "SEVERE");
        assertThat(machine.gpu.terminate(SOON)).as("the GPU process's status").isZero();
    }

    /** The guest prints the kernel's events from now on. */
    private void tellOfEvents(PatternGuest guest) throws IOException, InterruptedException {
        machine.qemu.console().send("uevent &");
        guest.awaitExit();
    }

    private PatternGuest resizeTo(int width, int height) throws IOException, InterruptedException {
        machine.bus.resize(width, height);
        machine.qemu.console().waitFor("^HOTPLUG=1$", SOON);
        PatternGuest guest = new PatternGuest(machine.qemu, width, height);
        guest.takeSize();
        guest.flip(5);
        return guest;
    }
}
