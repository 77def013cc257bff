package sluice.vdev.feed;

import java.nio.charset.StandardCharsets;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.device.InputSink;
import sluice.vdev.device.UsKeyboard;
import sluice.vdev.input.InputDevice;
import sluice.vdev.input.InputKind;

/**
 * One client of the control socket, on the device's loop. Its lines are carried out one after the other; while text
 * waits for the driver, or the client does not read its answers, nothing more is read from it.
 */
final class ControlClient extends ChannelInboundHandlerAdapter {
    /** Characters that are typed before the driver must have got them: each is at most eight events. */
    private static final int CHARACTERS_AT_ONCE = 32;
    private static final Logger LOG = LoggerFactory.getLogger(ControlClient.class);

    private final InputDevice device;
    private final Channel channel;
    private final Runnable gone;
    private final InputSink sink;
    private final InputDevice.LedListener leds = this::led;
    /** The line that has not ended yet. */
    private final byte[] line = new byte[ControlCommand.MOST_BYTES];
    private int length;
    /** Bytes that were read and not looked at. */
    private @Nullable ByteBuf unread;
    /** Whether a line is being carried out. */
    private boolean busy;
    /** Whether {@link #goOn} is on the stack. */
    private boolean going;
    /** Whether the connection is closed as soon as its last answer is written. */
    private boolean ending;
    private int buttons;
    private int x;
    private int y;
    private int width = InputKind.POSITIONS;
    private int height = InputKind.POSITIONS;

    /** @param gone runs when the client has disconnected */
    ControlClient(InputDevice device, Channel channel, Runnable gone) {
        this.device = device;
        this.channel = channel;
        this.gone = gone;
        sink = device.open("a client of the control socket");
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        device.addLeds(leds);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object received) {
        ByteBuf bytes = (ByteBuf) received;
        ByteBuf before = unread;
        unread = before == null ? bytes : context.alloc().compositeBuffer(2).addComponents(true, before, bytes);
        goOn();
    }

    /** Carries out lines until one must wait. A nested call, as from an answer, leaves them to the current one. */
    private void goOn() {
        if (going) return;
        going = true;
        try {
            carryOutLines();
        } finally {
            going = false;
        }
        channel.config().setAutoRead(mayGoOn());
    }

    private void carryOutLines() {
        ByteBuf bytes = unread;
        if (bytes == null) return;
        while (bytes.isReadable() && mayGoOn())
            take(bytes.readByte());
        if (bytes.isReadable()) return;
        unread = null;
        bytes.release();
    }

    private boolean mayGoOn() {
        return !busy && !ending && channel.isActive() && channel.isWritable();
    }

    private void take(byte next) {
        if (next != '\n') {
            if (length == line.length) {
                end("a line is longer than %d bytes; the connection is closed".formatted(line.length));
            } else {
                line[length++] = next;
            }
            return;
        }
        int end = length > 0 && line[length - 1] == '\r' ? length - 1 : length;
        length = 0;
        if (end == 0) return;
        try {
            carryOut(ControlCommand.parse(new String(line, 0, end, StandardCharsets.UTF_8)));
        } catch (WrongCommandException e) {
            answer("error: " + e.getMessage());
        }
    }

    private void carryOut(ControlCommand command) throws WrongCommandException {
        if (command instanceof ControlCommand.Sync) {
            awaitDelivery(() -> answer("ok"));
            return;
        }
        InputKind needed = switch (command) {
            case ControlCommand.Key _,ControlCommand.Text _ -> InputKind.KEYBOARD;
            case ControlCommand.Touch _,ControlCommand.Lift _ -> InputKind.TOUCH;
            default -> InputKind.TABLET;
        };
        if (device.kind() != needed) {
            throw new WrongCommandException("this device is a %s, and the command needs a %s"
                    .formatted(InputProvider.word(device.kind()), InputProvider.word(needed)));
        }
        if (!device.isRunning()) throw new WrongCommandException("no driver runs in the guest; nothing was sent");
        switch (command) {
            case ControlCommand.Key key -> sink.key(key.code(), key.pressed());
            case ControlCommand.Text text -> type(text.characters(), 0);
            case ControlCommand.Position to -> {
                x = to.x();
                y = to.y();
                width = to.width();
                height = to.height();
                sink.pointer(x, y, width, height, buttons);
            }
            case ControlCommand.Button button -> {
                buttons = button.pressed() ? buttons | button.bit() : buttons & ~button.bit();
                sink.pointer(x, y, width, height, buttons);
            }
            case ControlCommand.Scroll scroll -> sink.scroll(scroll.up(), scroll.right());
            case ControlCommand.Touch touch ->
                sink.touch(touch.finger(), touch.x(), touch.y(), touch.width(), touch.height(), true);
            case ControlCommand.Lift lift -> sink.touch(lift.finger(), 0, 0, 1, 1, false);
            case ControlCommand.Sync _ -> {
            }
        }
    }

    /** Types from one character on; the driver must have got all events before it. */
    private void type(String characters, int from) {
        int end = Math.min(characters.length(), from + CHARACTERS_AT_ONCE);
        for (int i = from; i < end; i++) type(characters.charAt(i));
        awaitDelivery(() -> {
            if (end < characters.length()) type(characters, end);
        });
    }

    private void type(char character) {
        int key = UsKeyboard.key(character);
        boolean shifted = UsKeyboard.isShifted(character);
        if (shifted) sink.key(UsKeyboard.LEFT_SHIFT, true);
        sink.key(key, true);
        sink.key(key, false);
        if (shifted) sink.key(UsKeyboard.LEFT_SHIFT, false);
    }

    private void awaitDelivery(Runnable then) {
        busy = true;
        device.whenDelivered(() -> {
            busy = false;
            if (!channel.isActive()) return;
            then.run();
            // The caller goes on by itself, if the driver has got all of it at once.
            if (!busy) channel.eventLoop().execute(this::goOn);
        });
    }

    private void led(int code, boolean on) {
        if (channel.isWritable()) {
            answer("led %d %d".formatted(code, on ? 1 : 0));
        } else {
            LOG.warn("a client of a control socket does not read what is sent to it; the connection is closed");
            channel.close();
        }
    }

    private void answer(String text) {
        if (ending) return;
        channel.writeAndFlush(encoded(text));
    }

    private ByteBuf encoded(String text) {
        return channel.alloc().buffer().writeBytes((text + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private void end(String sentence) {
        if (ending) return;
        ending = true;
        LOG.warn("a client of a control socket: {}", sentence);
        channel.writeAndFlush(encoded("error: " + sentence)).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        goOn();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        LOG.debug("a client of a control socket has failed", cause);
        context.close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        device.removeLeds(leds);
        sink.close();
        ByteBuf left = unread;
        unread = null;
        if (left != null) left.release();
        gone.run();
    }
}
