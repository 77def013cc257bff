package sluice.guest;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;

import com.google.gson.JsonObject;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The X server of Debian on our GPU: Xorg with its driver modesetting draws in dumb buffers, which are blobs where our GPU has them, and
 * tells which rectangles it has changed. What a client of our own has it draw is computed here.
 */
@Tag("guest")
@Tag("matrix")
class XorgGuestTest {
    private static final int WIDTH = 1280;
    private static final int HEIGHT = 800;

    static List<Boolean> configurations() {
        return Configurations.of(List.of(), List.of(true, false));
    }

    @ParameterizedTest(name = "blobs: {0}", allowZeroInvocations = true)
    @MethodSource("configurations")
    void pictureOfAClient(boolean blobs) throws IOException, InterruptedException {
        try (DesktopGuest guest = DesktopGuest.bootXorg(TestQemu.QEMU_11, blobs)) {
            guest.hear("ready", DesktopGuest.BOOT);
            guest.run("xserver");
            guest.qemu().console().send("xpicture 3");
            assertThat(guest.hear("mode (\\d+ \\d+)", DesktopGuest.BOOT).group(1)).isEqualTo(WIDTH + " " + HEIGHT);
            int[] pixels = new int[WIDTH * HEIGHT];
            guest.hear("drawn 1", DesktopGuest.BOOT);
            drawFirst(pixels);
            guest.assertShows(new Picture(WIDTH, HEIGHT, pixels), "xorg-1");
            guest.qemu().console().send("");
            guest.hear("drawn 2", DesktopGuest.BOOT);
            move(pixels);
            guest.assertShows(new Picture(WIDTH, HEIGHT, pixels), "xorg-2");
            guest.qemu().console().send("");
            guest.hear("drawn 3", DesktopGuest.BOOT);
            fill(pixels, 0xfedcba, 700, 10, 33, 17);
            guest.assertShows(new Picture(WIDTH, HEIGHT, pixels), "xorg-3");
            guest.qemu().console().send("");
            assertThat(guest.hear("exit (\\d+)", DesktopGuest.BOOT).group(1)).isEqualTo("0");
            guest.run("! dmesg -r | grep '^<[0-3]>'"); // the kernel's levels from emergency to error
            guest.qemu().console().send("poweroff -f");
            assertThat(guest.qemu().waitForEnd(DesktopGuest.BOOT)).isZero();
            assertThat(guest.gpu().errors()).doesNotContain("WARNING", "SEVERE");
            assertThat(guest.gpu().terminate(DesktopGuest.BOOT)).isZero();
            JsonObject statistics = guest.statistics();
            assertThat(statistics.get("refusedCommands").getAsInt()).isZero();
            JsonObject copied = statistics.getAsJsonObject("copiedBytes");
            long bytes = copied.get("transfer").getAsLong() + copied.get("update").getAsLong();
            if (blobs) assertThat(bytes).as("bytes copied").isZero();
            else assertThat(bytes).as("bytes copied").isPositive();
        }
    }

    /** As {@code xpicture.c} has it drawn. */
    private static void drawFirst(int[] pixels) {
        Arrays.fill(pixels, 0xff203040);
        for (int i = 0; i < 8; i++)
            fill(pixels, 0x010305 * (20 * i + 9), 10 + 37 * i, 5 + 23 * i, 100 + 11 * i, 60 + 7 * i);
        for (int y = 0; y < 64; y++) {
            for (int x = 0; x < 64; x++)
                fill(pixels, ((4 * x) << 16) | ((4 * y) << 8) | (x ^ y), 500 + x, 300 + y, 1, 1);
        }
    }

    private static void move(int[] pixels) {
        int[] before = pixels.clone();
        for (int y = 0; y < 200; y++)
            System.arraycopy(before, y * WIDTH, pixels, (250 + y) * WIDTH + 450, 320);
    }

    private static void fill(int[] pixels, int colour, int x, int y, int width, int height) {
        for (int row = y; row < y + height; row++)
            Arrays.fill(pixels, row * WIDTH + x, row * WIDTH + x + width, 0xff000000 | colour);
    }
}
