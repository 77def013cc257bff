package sluice.vdev.rfb;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;

import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;

import sluice.dmacore.file.FileFailure;

/**
 * VNC authentication (RFC 6143 §7.2.2): the viewer encrypts a random challenge by DES with the password as the key. It
 * proves the password to the server only once and encrypts nothing after that; a listener who sees both can try
 * passwords at his leisure.
 */
final class VncAuthentication {
    /** Bytes of a challenge and of a response. */
    static final int CHALLENGE_BYTES = 16;
    /** The longest password: a key of DES. */
    static final int MAX_PASSWORD = 8;

    private final SecureRandom random = new SecureRandom();
    private final SecretKeySpec key;

    /** @param password 1 to {@link #MAX_PASSWORD} bytes */
    VncAuthentication(byte[] password) {
        byte[] reversed = new byte[MAX_PASSWORD];
        for (int i = 0; i < password.length; i++) reversed[i] = (byte) (Integer.reverse(password[i]) >>> 24);
        key = new SecretKeySpec(reversed, "DES");
    }

    /**
     * Reads the password from a file, whose last line feed does not count.
     *
     * @throws IOException the file cannot be read, or has no such password; the message is a sentence
     */
    static VncAuthentication of(Path file) throws IOException {
        byte[] read;
        try (InputStream in = Files.newInputStream(file)) {
            read = in.readNBytes(MAX_PASSWORD + 2);
        } catch (IOException e) {
            throw new IOException("the password file %s cannot be read: %s".formatted(file, FileFailure.reason(e)), e);
        }
        int length = read.length > 0 && read[read.length - 1] == '\n' ? read.length - 1 : read.length;
        if (length == 0 || length > MAX_PASSWORD)
            throw new IOException("the password in %s has %s bytes: RFB allows 1 to %d".formatted(file,
                    length == 0 ? "no" : "too many", MAX_PASSWORD));
        return new VncAuthentication(Arrays.copyOf(read, length));
    }

    byte[] challenge() {
        byte[] challenge = new byte[CHALLENGE_BYTES];
        random.nextBytes(challenge);
        return challenge;
    }

    /** Whether a response proves that the viewer knows the password. */
    boolean accepts(byte[] challenge, byte[] response) {
        try {
            Cipher cipher = Cipher.getInstance("DES/ECB/NoPadding");
            cipher.init(Cipher.ENCRYPT_MODE, key);
            return MessageDigest.isEqual(cipher.doFinal(challenge), response);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK has no DES", e);
        }
    }
}
