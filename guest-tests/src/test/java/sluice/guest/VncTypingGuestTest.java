package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import sluice.vdev.qemu.QemuBinary;
import sluice.vdev.rfb.RfbAddress;
import sluice.vdev.rfb.VncClient;

import static org.assertj.core.api.Assertions.assertThat;

/** A text that is typed into a VNC viewer arrives at the shell of a guest without any keyboard of QEMU's. */
@Tag("guest")
@Tag("matrix")
class VncTypingGuestTest {
    private static final int RETURN = 0xff0d;
    private static final int SHIFT = 0xffe1;
    /** What needs shift on a US keyboard, besides capital letters. */
    private static final String SHIFTED = "~!@#$%^&*()_+{}|:\"<>?";

    /** As a viewer does it: with the key of the character, and shift where a US keyboard needs it. */
    private static void type(VncClient viewer, String text) throws IOException {
        for (int i = 0; i < text.length(); i++) {
            char character = text.charAt(i);
            boolean shifted = Character.isUpperCase(character) || SHIFTED.indexOf(character) >= 0;
            int keysym = character == '\n' ? RETURN : character;
            if (shifted) viewer.key(SHIFT, true);
            viewer.key(keysym, true);
            viewer.key(keysym, false);
            if (shifted) viewer.key(SHIFT, false);
        }
    }

    static List<TestQemu> qemus() {
        return Configurations.of(List.of(), List.of(TestQemu.QEMU_11));
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("qemus")
    void aTextArrivesAtTheShell(TestQemu qemu, @TempDir Path folder) throws Exception {
        QemuBinary binary = qemu.binary();
        GuestImage image = GuestImage.of(GuestKernel.forQemu(binary, TestQemu.CACHE)).module("virtio_pci")
                .module("virtio_input").module("evdev").build(TestQemu.CACHE);
        Path screen = folder.resolve("screen");
        DeviceProcess devices = DeviceProcess.start(TestGpus.launcher(), List.of(),
                List.of(new DeviceProcess.Served("gpu", "gpu,transport=vfio-user,vnc-seat=seat0,vnc=unix:" + screen),
                        new DeviceProcess.Served("keyboard", "input,kind=keyboard,transport=vfio-user")));
        try (TestGuest guest = TestGuest.boot(devices, binary, image, "", devices.qemuArguments());
                VncClient viewer = VncClient.open(new RfbAddress.Unix(screen))) {
            guest.run("setsid sh </dev/tty1 >/dev/tty1 2>&1 & true");
            String said = "The quick brown fox: 0123456789 ~!@#%^&*()_+{}|<>?-=[];,./";
            type(viewer, "echo \"%s\" >/tmp/typed; echo done >/tmp/typed-done\n".formatted(said));
            guest.run("until [ -s /tmp/typed-done ]; do sleep 0.1; done; cat /tmp/typed");
            assertThat(guest.qemu().console().lines()).contains(said);
            guest.powerOff();
        }
        assertThat(Files.exists(screen)).as("the socket of the screen").isFalse();
    }
}
