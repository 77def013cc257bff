package sluice.guest;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.guest.build.KernelModule;
import sluice.vdev.fixture.SeamDevice;
import sluice.vdev.qemu.QemuDevice;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A device with a shared memory region, jobs on workers' threads, events and a changing configuration, in a guest with a driver of
 * our own ({@code kmod/seam}), over both transports.
 */
@Tag("guest")
@Tag("matrix")
@ParameterizedClass(name = "{0}")
@MethodSource("configurations")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SeamGuestTest extends MachineTest {
    private static final String CHECK = "cat /sys/bus/virtio/drivers/seam/virtio*/check";
    private static final List<String> SEEN = List.of("SLUICE region 1 bytes " + SeamDevice.REGION.bytes(),
            "SLUICE job shown status 0", "SLUICE event op 1 page 3 value 90", "SLUICE config changed jobs 1",
            "SLUICE window filled right", "SLUICE window summed right status 0",
            "SLUICE events 20 disordered 0 status 0");
    private static final int EVENTS_OF_A_CHECK = 22;

    /** How the device reaches the guest. */
    enum Transport {
        VFIO_USER("vfio-user") {
            @Override
            List<String> arguments(Path socket) {
                return TestGuest.vfioUser(socket, "");
            }
        },
        VHOST_USER("vhost-user") {
            @Override
            List<String> arguments(Path socket) {
                return List.of("-chardev", "socket,id=seam,path=" + socket, "-device",
                        "%s,chardev=seam,virtio-id=%d,num_vqs=2,config_size=8".formatted(
                                QemuDevice.VHOST_USER_TEST.model(), SeamDevice.ID));
            }
        };

        private final String option;

        Transport(String option) {
            this.option = option;
        }

        abstract List<String> arguments(Path socket);
    }

    /** @param kernelOf the QEMU whose time's kernel is booted; QEMU itself is 11.1, which has both transports */
    record Configuration(Transport transport, TestQemu kernelOf) {
        @Override
        public String toString() {
            return "%s, Linux of %s".formatted(transport, kernelOf);
        }
    }

    private static @Nullable ServedDevice served;

    private final TestGuest guest = machine();

    /** @param booted the machine that is there, for all tests of this class */
    SeamGuestTest(@SuppressWarnings("unused") Configuration booted) {}

    static List<Configuration> configurations() {
        return Configurations.of(List.of(new Configuration(Transport.VFIO_USER, TestQemu.QEMU_11)),
                List.of(new Configuration(Transport.VHOST_USER, TestQemu.QEMU_11),
                        new Configuration(Transport.VFIO_USER, TestQemu.QEMU_10),
                        new Configuration(Transport.VHOST_USER, TestQemu.QEMU_10)));
    }

    @BeforeParameterizedClassInvocation
    static void boot(Configuration configuration) throws Exception {
        GuestKernel kernel = GuestKernel.forQemu(configuration.kernelOf.binary(), TestQemu.CACHE);
        KernelModule driver = KernelModule.build(kernel.headers(TestQemu.CACHE), "seam", TestQemu.CACHE);
        GuestImage image = GuestImage.of(kernel).module("virtio_pci").module(driver, "").build(TestQemu.CACHE);
        ServedDevice device = new ServedDevice(SeamDevice.provider(), "transport", configuration.transport.option);
        served = device;
        use(TestGuest.boot(device::close, TestQemu.QEMU_11.binary(), image, "",
                configuration.transport.arguments(device.socket())));
    }

    /** Reads the driver's report; all of it must be as it should. */
    private void check() throws Exception {
        int before = guest.qemu().console().lines().size();
        guest.run(CHECK);
        List<String> lines = guest.qemu().console().lines();
        assertThat(lines.subList(before, lines.size())).containsExactlyElementsOf(
                Stream.concat(SEEN.stream(), Stream.of("SLUICE exit 0")).toList());
    }

    @Test
    @Order(1)
    void theDriverSeesAllOfTheDevice() throws Exception {
        check();
        check();
    }

    @Test
    @Order(2)
    void aStoppedMachineGoesOn() throws Exception {
        for (int round = 0; round < 3; round++) {
            guest.pause();
            check();
        }
    }

    /** It resets the device, which then shows its region to another driver. */
    @Test
    @Order(3)
    void theDriverLetsGoAndComesBack() throws Exception {
        for (int round = 0; round < 3; round++) {
            guest.run("rmmod seam && insmod /modules/seam.ko");
            check();
        }
    }

    @Test
    @Order(4)
    void aRebootedGuestSeesItAgain() throws Exception {
        guest.reboot();
        check();
    }

    /** The guest's kernel cannot tell the device before. */
    @Test
    @Order(5)
    void aGuestWhoseMachineIsResetSeesItAgain() throws Exception {
        guest.qemu().qmp().execute("system_reset");
        guest.awaitReady();
        check();
    }

    @Test
    @Order(6)
    void theGuestPowersOffAndEachEventWasTaken() throws Exception {
        guest.powerOff();
        JsonObject report = JsonParser.parseString(Objects.requireNonNull(served, "it is served").end())
                .getAsJsonObject();
        assertThat(report.getAsJsonObject("events").get("sent").getAsInt()).isEqualTo(10 * EVENTS_OF_A_CHECK);
        assertThat(report.getAsJsonObject("events").get("waiting").getAsInt()).isZero();
    }
}
