package sluice.vdev.rfb;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.gpu.GpuStatistics;
import sluice.vdev.loopback.BlobCanvas;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;
import sluice.vdev.rfb.VncClient.Format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** What a viewer sees is what the guest shows, every pixel. */
@Timeout(60)
class ViewerLoopbackTest {
    private static final int SIDE = CursorShape.SIDE;

    private ViewedGpu viewed;

    @BeforeEach
    void start() throws IOException {
        viewed = ViewedGpu.start();
    }

    @AfterEach
    void end() {
        viewed.close();
    }

    private Canvas canvas(int resource, int width, int height) throws IOException {
        return viewed.gpu().canvas(resource, GpuWire.FORMAT_B8G8R8X8, width, height);
    }

    private Canvas shown(int resource, int scanout, int[] pixels, int width, int height) throws IOException {
        Canvas canvas = canvas(resource, width, height);
        canvas.draw(pixels);
        canvas.transfer();
        canvas.show(scanout);
        canvas.flush();
        return canvas;
    }

    static Stream<Arguments> formats() {
        List<Format> formats = List.of(Format.USUAL,
                new Format(32, 24, true, new int[]{ 255, 255, 255 }, new int[]{ 0, 8, 16 }),
                new Format(32, 24, false, new int[]{ 255, 255, 255 }, new int[]{ 8, 16, 24 }),
                new Format(32, 24, true, new int[]{ 255, 255, 255 }, new int[]{ 24, 16, 8 }),
                new Format(32, 30, false, new int[]{ 1023, 1023, 1023 }, new int[]{ 20, 10, 0 }),
                new Format(16, 16, false, new int[]{ 31, 63, 31 }, new int[]{ 11, 5, 0 }),
                new Format(16, 15, true, new int[]{ 31, 31, 31 }, new int[]{ 10, 5, 0 }),
                new Format(8, 8, false, new int[]{ 7, 7, 3 }, new int[]{ 0, 3, 6 }));
        return IntStream.of(VncClient.RAW, VncClient.ZRLE).boxed()
                .flatMap(encoding -> formats.stream().map(format -> arguments(encoding, format)));
    }

    @ParameterizedTest
    @MethodSource("formats")
    void everyPixelArrives(int encoding, Format format) throws IOException {
        int width = 333;
        int height = 201;
        int[] pixels = ViewedGpu.mixed(width, height, 5);
        Canvas canvas = shown(1, 0, pixels, width, height);
        try (VncClient client = viewed.view(0)) {
            assertThat(client.name).isEqualTo("gpu");
            client.setFormat(format);
            client.setEncodings(encoding);
            for (int round = 0; round < 6; round++) {
                client.await(Arrays.stream(pixels).map(format::seen).toArray());
                pixels = ViewedGpu.mixed(width, height, 6 + round);
                canvas.draw(pixels);
                canvas.transfer();
                canvas.flush();
            }
        }
    }

    @Test
    void aViewerWithAColourMapSeesTheNearestOf256() throws IOException {
        int[] pixels = ViewedGpu.mixed(100, 100, 3);
        shown(1, 0, pixels, 100, 100);
        try (VncClient client = viewed.view(0)) {
            client.setEncodings(VncClient.ZRLE);
            client.setMapped();
            client.await(Arrays.stream(pixels).map(pixel -> mapped(pixel, 16, 7) << 16 | mapped(pixel, 8, 7) << 8
                    | mapped(pixel, 0, 3)).toArray());
        }
    }

    private static int mapped(int pixel, int shift, int max) {
        return (Math.round((pixel >> shift & 0xff) * max / 255f) * 0xffff / max) >> 8;
    }

    /** The guest says what has changed, and only that is sent. */
    @ParameterizedTest
    @ValueSource(ints = { VncClient.RAW, VncClient.ZRLE })
    void onlyWhatHasChangedIsSent(int encoding) throws IOException {
        int width = 640;
        int height = 480;
        int[] pixels = ViewedGpu.mixed(width, height, 1);
        Canvas canvas = shown(1, 0, pixels, width, height);
        try (VncClient client = viewed.view(0)) {
            client.setEncodings(encoding);
            client.await(pixels);
            pixels[100 * width + 70] ^= 0xffffff;
            canvas.draw(pixels);
            GpuRect part = new GpuRect(70, 100, 1, 1);
            canvas.transfer(part);
            int before = client.rectangles;
            viewed.gpu().driver().flush(1, part).ok();
            client.await(pixels);
            assertThat(client.rectangles - before).isEqualTo(1);

            // What was not changed is sent if it is asked for.
            before = client.rectangles;
            client.request(false, 0, 0, 64, 64);
            client.receive();
            assertThat(client.rectangles - before).isEqualTo(1);
        }
    }

    @Test
    void flipsAndRandomDamageEndInTheSamePicture() throws IOException {
        int width = 300;
        int height = 250;
        Random random = new Random(11);
        int[][] pixels = { ViewedGpu.mixed(width, height, 1), ViewedGpu.mixed(width, height, 2) };
        Canvas[] canvases = { shown(1, 0, pixels[0], width, height), shown(2, 0, pixels[1], width, height) };
        try (VncClient client = viewed.view(0)) {
            client.setEncodings(VncClient.ZRLE);
            for (int round = 0; round < 40; round++) {
                int which = random.nextInt(2);
                canvases[which].show(0);
                for (int change = 0; change < random.nextInt(5); change++) {
                    GpuRect part = new GpuRect(random.nextInt(width - 20), random.nextInt(height - 20),
                            1 + random.nextInt(20), 1 + random.nextInt(20));
                    for (int y = 0; y < part.height(); y++) {
                        for (int x = 0; x < part.width(); x++)
                            pixels[which][(part.y() + y) * width + part.x() + x] = random.nextInt() & 0xff_ffff;
                    }
                    canvases[which].draw(pixels[which]);
                    canvases[which].transfer(part);
                    viewed.gpu().driver().flush(1 + which, part).ok();
                }
                if (random.nextBoolean()) client.await(pixels[which]);
                else client.request(true);
                if (round == 39) client.await(pixels[which]);
            }
        }
    }

    @Test
    void aPartOfAResourceIsShown() throws IOException {
        int[] pixels = ViewedGpu.mixed(200, 150, 4);
        Canvas canvas = canvas(1, 200, 150);
        canvas.draw(pixels);
        canvas.transfer();
        GpuRect part = new GpuRect(31, 17, 101, 99);
        viewed.gpu().driver().setScanout(0, 1, part).ok();
        canvas.flush();
        try (VncClient client = viewed.view(0)) {
            client.setEncodings(VncClient.ZRLE);
            client.await(canvas.crop(pixels, part));
        }
    }

    @Test
    void aViewerFollowsTheSize() throws IOException {
        try (VncClient old = viewed.view(0); VncClient extended = viewed.view(0); VncClient fixed = viewed.view(0)) {
            assertThat(List.of(old.width, old.height)).containsExactly(GpuBackEnd.OWN_WIDTH, GpuBackEnd.OWN_HEIGHT);
            old.setEncodings(VncClient.ZRLE, VncClient.DESKTOP_SIZE);
            extended.setEncodings(VncClient.RAW, VncClient.EXTENDED_DESKTOP_SIZE);
            fixed.setEncodings(VncClient.ZRLE);
            fixed.await(new int[fixed.width * fixed.height]);
            int resource = 1;
            for (int[] size : new int[][]{ { 320, 200 }, { 65, 1 }, { 1500, 90 }, { 1280, 800 } }) {
                int[] pixels = ViewedGpu.mixed(size[0], size[1], resource);
                shown(resource++, 0, pixels, size[0], size[1]);
                old.await(pixels);
                extended.await(pixels);
                assertThat(List.of(old.width, old.height)).containsExactly(size[0], size[1]);
                int[] cut = new int[fixed.width * fixed.height];
                for (int y = 0; y < Math.min(size[1], fixed.height); y++)
                    System.arraycopy(pixels, y * size[0], cut, y * fixed.width, Math.min(size[0], fixed.width));
                fixed.await(cut);
            }
            assertThat(extended.reason).isZero();
            extended.out.write(new byte[]{ (byte) 251, 0, 1, 0, 1, 0, 0, 0 });
            while (extended.reason != 1)
                extended.receive(); // an answer to the last request may come before
            assertThat(extended.status).as("prohibited: the guest sets the size").isEqualTo(1);
        }
    }

    @Test
    void aDisabledScanoutIsBlack() throws IOException {
        int[] pixels = ViewedGpu.mixed(128, 100, 9);
        Canvas canvas = shown(1, 0, pixels, 128, 100);
        try (VncClient client = viewed.view(0)) {
            client.setEncodings(VncClient.RAW);
            client.await(pixels);
            viewed.gpu().driver().setScanout(0, 0, GpuRect.of(0, 0)).ok();
            client.await(new int[pixels.length]);
            canvas.show(0);
            client.await(pixels);
            viewed.gpu().driver().unref(1).ok();
            client.await(new int[pixels.length]);
        }
    }

    @Test
    void eachHeadHasItsPicture() throws IOException {
        int[] first = ViewedGpu.mixed(200, 100, 1);
        int[] second = ViewedGpu.mixed(150, 170, 2);
        shown(1, 0, first, 200, 100);
        shown(2, 1, second, 150, 170);
        try (VncClient left = viewed.view(0); VncClient right = viewed.view(1)) {
            left.setEncodings(VncClient.ZRLE);
            right.setEncodings(VncClient.ZRLE);
            left.await(first);
            right.await(second);
        }
    }

    private void cursor(ByteBuffer command) throws IOException {
        viewed.gpu().driver().cursor(command);
    }

    @Test
    void theCursorIsTheViewersOrPartOfThePicture() throws IOException {
        int width = 200;
        int[] pixels = ViewedGpu.mixed(width, 150, 1);
        shown(1, 0, pixels, width, 150);
        int[] shape = new int[SIDE * SIDE];
        for (int i = 0; i < shape.length; i++) shape[i] = i % 3 == 0 ? 0xff00_0000 | i * 31 : 0;
        Canvas canvas = viewed.gpu().canvas(5, GpuWire.FORMAT_B8G8R8A8, SIDE, SIDE);
        canvas.draw(shape);
        canvas.transfer();
        try (VncClient own = viewed.view(0); VncClient alpha = viewed.view(0); VncClient none = viewed.view(0)) {
            own.setEncodings(VncClient.ZRLE, VncClient.CURSOR);
            alpha.setEncodings(VncClient.ZRLE, VncClient.CURSOR_WITH_ALPHA, VncClient.CURSOR);
            none.setEncodings(VncClient.ZRLE);
            none.await(pixels);
            cursor(GpuCommands.updateCursor(0, 100, 120, 5, 3, 4));
            for (VncClient client : List.of(own, alpha)) {
                while (client.cursor == null || client.cursor.length == 0) {
                    client.request(true);
                    client.receive();
                }
                assertThat(client.cursor).isEqualTo(shape);
                assertThat(List.of(client.hotX, client.hotY)).containsExactly(3, 4);
                client.await(pixels);
            }
            none.await(drawn(pixels, width, 150, shape, 100, 120));
            cursor(GpuCommands.moveCursor(0, -7, -9));
            none.await(drawn(pixels, width, 150, shape, -7, -9));
            cursor(GpuCommands.updateCursor(0, 0, 0, 0, 0, 0));
            none.await(pixels);
            while (own.cursor == null || own.cursor.length > 0) {
                own.request(true);
                own.receive();
            }
            own.await(pixels);
        }
    }

    private static int[] drawn(int[] pixels, int width, int height, int[] shape, int left, int top) {
        int[] expected = pixels.clone();
        for (int y = 0; y < SIDE; y++) {
            for (int x = 0; x < SIDE; x++) {
                boolean inside = left + x >= 0 && left + x < width && top + y >= 0 && top + y < height;
                if (inside && shape[y * SIDE + x] != 0)
                    expected[(top + y) * width + left + x] = shape[y * SIDE + x] & 0xff_ffff;
            }
        }
        return expected;
    }

    /** Guest pages are read on the device's loop, and only when a viewer asks. */
    @ParameterizedTest
    @MethodSource("buses")
    void aBlobIsSeenInPlace(GuestVariant guest) throws IOException {
        viewed.close();
        viewed = ViewedGpu.start(guest, RfbLimits.DEFAULT, 1);
        viewed.gpu().closeDisplay();
        int width = 1100;
        int height = 130;
        BlobCanvas[] blobs = new BlobCanvas[2];
        int[][] pixels = new int[2][];
        for (int i = 0; i < 2; i++) {
            blobs[i] = BlobCanvas.create(viewed.gpu(), 1 + i,
                    GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, width, height));
            pixels[i] = ViewedGpu.mixed(width, height, i);
            blobs[i].draw(pixels[i]);
        }
        for (int frame = 0; frame < 20; frame++) {
            blobs[frame % 2].show(0);
            viewed.gpu().driver().flush(1 + frame % 2, GpuRect.of(width, height)).ok();
        }
        assertThat(viewed.backEnd().statistic(GpuStatistics::observerBytes)).isZero();
        try (VncClient client = viewed.view(0)) {
            client.setEncodings(VncClient.ZRLE);
            client.await(pixels[1]);
            blobs[0].show(0);
            client.await(pixels[0]);
        }
        assertThat(viewed.backEnd().statistic(GpuStatistics::observerBytes))
                .isGreaterThanOrEqualTo(2L * 4 * width * height);
    }

    static List<GuestVariant> buses() {
        return Stream.concat(Stream.of(GuestVariant.USUAL), GuestVariant.overVfioUser()).toList();
    }
}
