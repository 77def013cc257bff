package sluice.vdev.io;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.file.FileFailure;

/**
 * What a server needs for TLS: its certificate, those that sign it, and its private key, of PEM files (RFC 7468). Connections
 * use TLS 1.3 only, which has neither weak ciphers nor renegotiation.
 */
public final class TlsCertificate {
    private static final Logger LOG = LoggerFactory.getLogger(TlsCertificate.class);
    private static final int MOST_BYTES = 1 << 20;
    private static final int CLOSE_MILLIS = 1000;
    private static final Pattern BLOCK = Pattern
            .compile("-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");

    private final SslContext context;

    private TlsCertificate(SslContext context) {
        this.context = context;
    }

    /** A part of a PEM file. */
    private record Block(String label, byte[] content) {}

    /**
     * Reads a certificate and its key, which may be in the same file.
     *
     * @param certificate the server's certificate first, then those that sign it
     * @param key PKCS #8, not encrypted
     * @throws IOException a file cannot be read, lacks what it should have, or the two do not belong together; the message is
     * a sentence
     */
    public static TlsCertificate of(Path certificate, Path key) throws IOException {
        X509Certificate[] chain = chain(certificate);
        PrivateKey secret = key(key, chain[0].getPublicKey().getAlgorithm());
        try {
            if (!belongs(secret, chain[0]))
                throw new IOException("the key in %s is not that of the certificate in %s".formatted(key, certificate));
            chain[0].checkValidity();
        } catch (CertificateException e) {
            LOG.warn("viewers will refuse the certificate in {}: {}", certificate, e.getMessage());
        } catch (GeneralSecurityException e) {
            throw new IOException("the key in %s is not that of the certificate in %s: %s".formatted(key, certificate,
                    e.getMessage()), e);
        }
        return new TlsCertificate(SslContextBuilder.forServer(secret, chain).sslProvider(SslProvider.JDK)
                .protocols("TLSv1.3").build());
    }

    /** The server's side of one connection; its handshake has no limit of time. */
    public SslHandler handler(ByteBufAllocator allocator) {
        SslHandler handler = context.newHandler(allocator);
        handler.setHandshakeTimeoutMillis(0);
        // A peer that reads nothing gets no farewell.
        handler.setCloseNotifyFlushTimeoutMillis(CLOSE_MILLIS);
        return handler;
    }

    private static X509Certificate[] chain(Path file) throws IOException {
        List<X509Certificate> chain = new ArrayList<>();
        try {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            for (Block block : blocks(file)) {
                if (block.label.equals("CERTIFICATE"))
                    chain.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(block.content)));
            }
        } catch (CertificateException e) {
            throw new IOException("a certificate in %s is damaged: %s".formatted(file, e.getMessage()), e);
        }
        if (chain.isEmpty())
            throw new IOException(
                    file + " has no certificate: it needs -----BEGIN CERTIFICATE-----, as PEM files have");
        return chain.toArray(X509Certificate[]::new);
    }

    private static PrivateKey key(Path file, String algorithm) throws IOException {
        for (Block block : blocks(file)) {
            if (!block.label.endsWith("PRIVATE KEY")) continue;
            if (!block.label.equals("PRIVATE KEY"))
                throw new IOException(
                        "the key in %1$s is a %2$s: convert it with openssl pkcs8 -topk8 -nocrypt -in %1$s -out FILE"
                                .formatted(file, block.label));
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(block.content));
            } catch (InvalidKeySpecException e) {
                throw new IOException("the key in %s is not that of a certificate for %s".formatted(file, algorithm),
                        e);
            } catch (GeneralSecurityException e) {
                throw new IOException("this JVM cannot use keys for %s: %s".formatted(algorithm, e.getMessage()), e);
            }
        }
        throw new IOException(file + " has no key: it needs -----BEGIN PRIVATE KEY-----, as PEM files have");
    }

    /** Whether what one signs is what the other verifies. */
    private static boolean belongs(PrivateKey key, X509Certificate certificate) throws GeneralSecurityException {
        String kind = key.getAlgorithm();
        Signature signature = Signature
                .getInstance(kind.equals("RSA") ? "SHA256withRSA" : kind.equals("EC") ? "SHA256withECDSA" : kind);
        byte[] text = { 1, 2, 3 };
        signature.initSign(key);
        signature.update(text);
        byte[] signed = signature.sign();
        signature.initVerify(certificate.getPublicKey());
        signature.update(text);
        return signature.verify(signed);
    }

    private static List<Block> blocks(Path file) throws IOException {
        byte[] read;
        try (InputStream in = Files.newInputStream(file)) {
            read = in.readNBytes(MOST_BYTES + 1);
        } catch (IOException e) {
            throw new IOException("the file %s cannot be read: %s".formatted(file, FileFailure.reason(e)), e);
        }
        if (read.length > MOST_BYTES) throw new IOException(file + " is no PEM file: it is longer than 1 MiB");
        List<Block> blocks = new ArrayList<>();
        Matcher matcher = BLOCK.matcher(new String(read, StandardCharsets.ISO_8859_1));
        while (matcher.find()) {
            try {
                blocks.add(new Block(matcher.group(1), Base64.getMimeDecoder().decode(matcher.group(2))));
            } catch (IllegalArgumentException e) {
                throw new IOException("the %s in %s is damaged: %s".formatted(matcher.group(1), file, e.getMessage()),
                        e);
            }
        }
        return blocks;
    }
}
