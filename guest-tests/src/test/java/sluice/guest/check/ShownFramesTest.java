package sluice.guest.check;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Objects;

import org.junit.jupiter.api.Test;

import sluice.guest.NumberedPicture;
import sluice.guest.Picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** What is said of pictures on a screen. */
class ShownFramesTest {
    private static final int W = 64;
    private static final int H = 32;
    private static final NumberedPicture KIND = new NumberedPicture(W, H, false);

    private final Deque<Picture> screen = new ArrayDeque<>();
    private final ShownFrames frames = new ShownFrames(this::take, false);

    private Picture take() {
        Picture present = screen.getFirst();
        if (screen.size() > 1) screen.removeFirst();
        return present;
    }

    private void shows(int frame, Picture... pictures) throws IOException, InterruptedException {
        screen.clear();
        screen.addAll(List.of(pictures));
        assertThat(frames.to("SLUICE shown %d %d %d".formatted(frame, W, H))).isNotEmpty();
    }

    private Bytes bytes() {
        return Objects.requireNonNull(frames.bytes(), "the bytes of a frame that differs");
    }

    @Test
    void beforeTheFirstFrameThereAreNoBytes() {
        assertThat(frames.bytes()).isNull();
    }

    @Test
    void framesThatAreShownAreRight() throws Exception {
        shows(1, KIND.picture(1));
        shows(2, KIND.picture(2));
        assertThat(bytes()).isEqualTo(new Bytes(2, 0, 2, 2 * H, 0, 0, 0));
        assertThat(bytes().areRight()).isTrue();
    }

    @Test
    void aPictureThatWasTakenEarlierIsNotTheLastWord() throws Exception {
        shows(1, new Picture(W + 1, H, new int[(W + 1) * H]), KIND.picture(1));
        assertThat(bytes().areRight()).isTrue();
    }

    @Test
    void whatWasShownBeforeIsOldAndWhatIsBlackIsNotWritten() throws Exception {
        shows(1, KIND.picture(1));
        int[] mixed = KIND.picture(2).argb().clone();
        System.arraycopy(KIND.picture(1).argb(), 0, mixed, 0, 3 * W);
        Arrays.fill(mixed, 3 * W, 5 * W, 0xff00_0000);
        mixed[5 * W + 7] ^= 0x10;
        shows(2, new Picture(W, H, mixed));
        assertThat(bytes().rightFrames()).isEqualTo(1);
        assertThat(List.of(bytes().right(), bytes().old(), bytes().wiped(), bytes().other()))
                .containsExactly(2L * H - 6, 3L, 2L, 1L);
        assertThat(bytes().differences()).singleElement().satisfies(difference -> {
            assertThat(difference.frame()).isEqualTo(1);
            assertThat(difference.offset()).as("the header of a line is the same in all frames").isEqualTo(12);
            assertThat(difference.length()).isEqualTo(6L * W * 4);
            assertThat(difference.expected()).startsWith("4a4b4c..");
            assertThat(difference.found()).startsWith("2b2c2d00");
        });
    }

    @Test
    void alphaIsNotShown() throws Exception {
        int[] other = KIND.picture(1).argb().clone();
        for (int i = 0; i < other.length; i++) other[i] &= 0xff_ffff;
        shows(1, new Picture(W, H, other));
        assertThat(bytes().areRight()).isTrue();
    }

    @Test
    void theFirstPageShowsWhatWasDrawnInTheLastIfTheyAreOne() {
        NumberedPicture twice = new NumberedPicture(W, H, true);
        byte[] bytes = twice.bytes(3);
        int page = 4096;
        assertThat(Arrays.copyOf(bytes, page))
                .isEqualTo(Arrays.copyOfRange(bytes, bytes.length - page, bytes.length));
    }

    @Test
    void aScreenOfAnotherSizeAndFramesOutOfOrderEndTheCell() throws Exception {
        screen.add(new Picture(1, 1, new int[1]));
        assertThatThrownBy(() -> frames.to("SLUICE shown 1 64 32")).isInstanceOf(IOException.class)
                .hasMessageContaining("1 x 1");
        assertThatThrownBy(() -> frames.to("SLUICE shown 5 64 32")).isInstanceOf(IOException.class)
                .hasMessageContaining("no order");
    }
}
