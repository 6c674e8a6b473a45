/* Known answers of AES by those who wrote the standards: GCM (McGrew and Viega, "The Galois/Counter Mode of Operation",
 * appendix B), CBC (NIST SP 800-38A appendix F.2), CBC with PKCS#7 padding (RFC 7518 appendix B), key wrap (RFC 3394
 * section 4) and with padding (RFC 5649 section 6). */
#ifndef EKM_TESTS_UNIT_CRYPTO_CIPHER_VECTORS_H
#define EKM_TESTS_UNIT_CRYPTO_CIPHER_VECTORS_H

#include <stddef.h>

#define KEY_GCM "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define IV_GCM "cafebabefacedbaddecaf888"
#define AAD_GCM "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define TEXT_60                                                      \
  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define ZERO_16 "00000000000000000000000000000000"

#define IV_CBC "000102030405060708090a0b0c0d0e0f"
#define TEXT_CBC                                                     \
  "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" \
  "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

/* "A cipher system must not be required to be secret, and it must be able to fall into the hands of the enemy without
 * inconvenience" */
#define IV_KERCKHOFFS "1af38c2dc2b96ffdd86694092341bc04"
#define KERCKHOFFS                                                   \
  "41206369706865722073797374656d206d757374206e6f742062652072657175" \
  "6972656420746f206265207365637265742c20616e64206974206d7573742062" \
  "652061626c6520746f2066616c6c20696e746f207468652068616e6473206f66" \
  "2074686520656e656d7920776974686f757420696e636f6e76656e69656e6365"

#define KEK "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_DATA "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"
#define KEK_5649 "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"

typedef struct cipher_case {
  const char *alg;
  size_t key_bytes; /* of the front of key */
  const char *key, *iv, *aad, *plaintext;
  size_t plaintext_bytes; /* of its front */
  const char *ciphertext, *tag;
} cipher_case;

static const cipher_case cipher_cases[] = {
    /* GCM, test cases 1 to 4, 7 to 10, 13 to 16 without 3, 9 and 15, which differ from the next in the lack of AAD */
    {"A128GCM", 16, ZERO_16, "000000000000000000000000", "", "", 0, "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {"A128GCM", 16, ZERO_16, "000000000000000000000000", "", ZERO_16, 16, "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {"A128GCM", 16, KEY_GCM, IV_GCM, AAD_GCM, TEXT_60, 60,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"A192GCM", 24, ZERO_16 ZERO_16, "000000000000000000000000", "", "", 0, "", "cd33b28ac773f74ba00ed1f312572435"},
    {"A192GCM", 24, ZERO_16 ZERO_16, "000000000000000000000000", "", ZERO_16, 16, "98e7247c07f0fe411c267e4384b0f600",
     "2ff58d80033927ab8ef4d4587514f0fb"},
    {"A192GCM", 24, KEY_GCM, IV_GCM, AAD_GCM, TEXT_60, 60,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c"
     "7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda2710",
     "2519498e80f1478f37ba55bd6d27618c"},
    {"A256GCM", 32, ZERO_16 ZERO_16, "000000000000000000000000", "", "", 0, "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"A256GCM", 32, ZERO_16 ZERO_16, "000000000000000000000000", "", ZERO_16, 16, "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {"A256GCM", 32, KEY_GCM, IV_GCM, AAD_GCM, TEXT_60, 60,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    /* SP 800-38A F.2.1 to F.2.6 */
    {"A128CBC", 16, "2b7e151628aed2a6abf7158809cf4f3c", IV_CBC, "", TEXT_CBC, 64,
     "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
     "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
     ""},
    {"A192CBC", 24, "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", IV_CBC, "", TEXT_CBC, 64,
     "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
     "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
     ""},
    {"A256CBC", 32, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", IV_CBC, "", TEXT_CBC, 64,
     "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
     "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
     ""},
    /* RFC 7518 B.1 to B.3: P, IV, E under ENC_KEY */
    {"A128CBCPAD", 16, "101112131415161718191a1b1c1d1e1f", IV_KERCKHOFFS, "", KERCKHOFFS, 128,
     "c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9"
     "a94ac9b47ad2655c5f10f9aef71427e2fc6f9b3f399a221489f16362c7032336"
     "09d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9cf1b"
     "384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade5"
     "4b8851ffb598f7f80074b9473c82e2db",
     ""},
    {"A192CBCPAD", 24, "18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f", IV_KERCKHOFFS, "", KERCKHOFFS, 128,
     "ea65da6b59e61edb419be62d19712ae5d303eeb50052d0dfd6697f77224c8edb"
     "000d279bdc14c1072654bd30944230c657bed4ca0c9f4a8466f22b226d174621"
     "4bf8cfc2400add9f5126e479663fc90b3bed787a2f0ffcbf3904be2a641d5c21"
     "05bfe591bae23b1d7449e532eef60a9ac8bb6c6b01d35d49787bcd57ef484927"
     "f280adc91ac0c4e79c7b11efc60054e3",
     ""},
    {"A256CBCPAD", 32, "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f", IV_KERCKHOFFS, "",
     KERCKHOFFS, 128,
     "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd"
     "822c301dd67c373bccb584ad3e9279c2e6d12a1374b77f077553df829410446b"
     "36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3"
     "a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950b"
     "be2638d09dd7a4930930806d0703b1f6",
     ""},
    /* RFC 3394 4.1 to 4.6 */
    {"A128KW", 16, KEK, "", "", KEY_DATA, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5", ""},
    {"A192KW", 24, KEK, "", "", KEY_DATA, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d", ""},
    {"A256KW", 32, KEK, "", "", KEY_DATA, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7", ""},
    {"A192KW", 24, KEK, "", "", "00112233445566778899aabbccddeeff0001020304050607", 24,
     "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2", ""},
    {"CKM_AES_KEY_WRAP", 32, KEK, "", "", "00112233445566778899aabbccddeeff0001020304050607", 24,
     "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1", ""},
    {"CKM_AES_KEY_WRAP", 32, KEK, "", "", KEY_DATA, 32,
     "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21", ""},
    {"CKM_AES_KEY_WRAP", 16, KEK, "", "", KEY_DATA, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5", ""},
    /* RFC 5649 section 6 */
    {"A192KWPAD", 24, KEK_5649, "", "", "c37b7e6492584340bed12207808941155068f738", 20,
     "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a", ""},
    {"CKM_AES_KEY_WRAP_PAD", 24, KEK_5649, "", "", "466f7250617369", 7, "afbeb0f07dfbf5419200f2ccb50bb24f", ""},
};

#endif
