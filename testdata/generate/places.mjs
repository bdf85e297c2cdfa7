//! Public names and division codes of the demo city: facts. Everything else about the places is made up.

export const CITY = { code: '440100000000', name: '广州市', nameEn: 'Guangzhou' };

/** District: code, name, English name, population in thousands (2020 census, rounded), seed of its made-up shape, townships.
 *  Townships: three digits, Chinese name, pinyin without the kind; `道` at the end of a name stands for 街道, `镇` for a town. */
export const DISTRICTS = [
  ['440103', '荔湾区', 'Liwan', 1238, 113.215, 23.095,
    `001沙面道Shamian 002岭南道Lingnan 003华林道Hualin 004多宝道Duobao 005昌华道Changhua 006逢源道Fengyuan 007龙津道Longjin
     008金花道Jinhua 009彩虹道Caihong 010南源道Nanyuan 011西村道Xicun 012站前道Zhanqian 013桥中道Qiaozhong 014白鹤洞道Baihedong
     015冲口道Chongkou 016花地道Huadi 017石围塘道Shiweitang 018茶滘道Chajiao 019东漖道Dongjiao 020海龙道Hailong 021东沙道Dongsha
     022中南道Zhongnan`],
  ['440104', '越秀区', 'Yuexiu', 1039, 113.270, 23.135,
    `001洪桥道Hongqiao 003北京道Beijing 004六榕道Liurong 005流花道Liuhua 007光塔道Guangta 010人民道Renmin 011东山道Dongshan
     012农林道Nonglin 013梅花村道Meihuacun 014黄花岗道Huanghuagang 015华乐道Huale 016建设道Jianshe 017大塘道Datang
     018珠光道Zhuguang 019大东道Dadong 020白云道Baiyun 021登峰道Dengfeng 022矿泉道Kuangquan`],
  ['440105', '海珠区', 'Haizhu', 1819, 113.320, 23.075,
    `001赤岗道Chigang 002新港道Xingang 003昌岗道Changgang 004江南中道Jiangnanzhong 005滨江道Binjiang 006素社道Sushe
     007海幢道Haizhuang 008南华西道Nanhuaxi 009龙凤道Longfeng 010沙园道Shayuan 011南石头道Nanshitou 012凤阳道Fengyang
     013瑞宝道Ruibao 014江海道Jianghai 015琶洲道Pazhou 016南洲道Nanzhou 017华洲道Huazhou 018官洲道Guanzhou`],
  ['440106', '天河区', 'Tianhe', 2242, 113.365, 23.150,
    `001五山道Wushan 002员村道Yuancun 003车陂道Chebei 004沙河道Shahe 006石牌道Shipai 007沙东道Shadong 008天河南道Tianhenan
     009林和道Linhe 010兴华道Xinghua 011棠下道Tangxia 012天园道Tianyuan 013猎德道Liede 014冼村道Xiancun 015元岗道Yuangang
     016黄村道Huangcun 017长兴道Changxing 018龙洞道Longdong 019凤凰道Fenghuang 020前进道Qianjin 021珠吉道Zhuji 022新塘道Xintang`],
  ['440111', '白云区', 'Baiyun', 3743, 113.270, 23.270,
    `002三元里道Sanyuanli 003松洲道Songzhou 004景泰道Jingtai 005同德道Tongde 006黄石道Huangshi 007棠景道Tangjing 008新市道Xinshi
     009同和道Tonghe 010京溪道Jingxi 011永平道Yongping 012嘉禾道Jiahe 013均禾道Junhe 014石井道Shijing 015金沙道Jinsha
     016云城道Yuncheng 017鹤龙道Helong 018白云湖道Baiyunhu 019石门道Shimen 020龙归道Longgui 021大源道Dayuan 103人和镇Renhe
     107太和镇Taihe 108钟落潭镇Zhongluotan 113江高镇Jianggao`],
  ['440112', '黄埔区', 'Huangpu', 1264, 113.490, 23.190,
    `001黄埔道Huangpu 002红山道Hongshan 003鱼珠道Yuzhu 005大沙道Dasha 006文冲道Wenchong 007穗东道Suidong 008南岗道Nangang
     010长洲道Changzhou 011夏港道Xiagang 012萝岗道Luogang 013云埔道Yunpu 014联和道Lianhe 015永和道Yonghe 016长岭道Changling
     017九佛道Jiufo 018龙湖道Longhu 101新龙镇Xinlong`],
  ['440113', '番禺区', 'Panyu', 2658, 113.390, 22.980,
    `007市桥道Shiqiao 008沙头道Shatou 009东环道Donghuan 010桥南道Qiaonan 011小谷围道Xiaoguwei 012大石道Dashi 013洛浦道Luopu
     014石壁道Shibi 015钟村道Zhongcun 016大龙道Dalong 017沙湾道Shawan 102南村镇Nancun 103新造镇Xinzao 104化龙镇Hualong
     105石楼镇Shilou 120石碁镇Shiqi`],
  ['440114', '花都区', 'Huadu', 1642, 113.200, 23.430,
    `001新华道Xinhua 002花城道Huacheng 003秀全道Xiuquan 004新雅道Xinya 103梯面镇Timian 104花山镇Huashan 105花东镇Huadong
     107炭步镇Tanbu 108赤坭镇Chini 109狮岭镇Shiling`],
  ['440115', '南沙区', 'Nansha', 847, 113.530, 22.760,
    `001南沙道Nansha 002珠江道Zhujiang 003龙穴道Longxue 100万顷沙镇Wanqingsha 101横沥镇Hengli 102黄阁镇Huangge 103东涌镇Dongchong
     104大岗镇Dagang 105榄核镇Lanhe`],
  ['440117', '从化区', 'Conghua', 718, 113.680, 23.680,
    `001街口道Jiekou 002江埔道Jiangpu 003城郊道Chengjiao 103温泉镇Wenquan 104良口镇Liangkou 107吕田镇Lütian 111太平镇Taiping
     113鳌头镇Aotou`],
  ['440118', '增城区', 'Zengcheng', 1467, 113.760, 23.320,
    `001荔城道Licheng 002增江道Zengjiang 003朱村道Zhucun 004永宁道Yongning 005荔湖道Lihu 006宁西道Ningxi 101新塘镇Xintang
     102石滩镇Shitan 103中新镇Zhongxin 104正果镇Zhengguo 105派潭镇Paitan 106小楼镇Xiaolou 107仙村镇Xiancun`],
].map(([code, name, nameEn, thousands, lon, lat, townships]) => ({
  code: `${code}000000`, name, nameEn, population: thousands * 1000, lon, lat,
  townships: townships.trim().split(/\s+/).map((entry) => {
    const [, digits, stem, kind, pinyin] = /^(\d{3})(.+?)([道镇])([A-Z]\S*)$/u.exec(entry);
    return {
      code: `${code}${digits}000`, stem,
      name: stem + (kind === '道' ? '街道' : '镇'),
      nameEn: `${pinyin} ${kind === '道' ? 'Subdistrict' : 'Town'}`,
    };
  }),
}));

/** A made-up outline, loosely city-shaped: longitude, latitude, anticlockwise. */
export const OUTLINE = [
  [113.62, 22.52], [113.70, 22.68], [113.62, 22.84], [113.56, 22.95], [113.60, 23.06], [113.76, 23.10], [113.88, 23.17],
  [113.98, 23.26], [114.05, 23.38], [114.02, 23.52], [113.98, 23.64], [114.07, 23.76], [114.06, 23.88], [113.92, 23.94],
  [113.76, 23.90], [113.62, 23.86], [113.50, 23.78], [113.40, 23.70], [113.36, 23.60], [113.22, 23.56], [113.08, 23.58],
  [112.98, 23.50], [112.92, 23.38], [113.00, 23.26], [113.10, 23.16], [113.14, 23.04], [113.20, 22.94], [113.26, 22.84],
  [113.34, 22.74], [113.46, 22.62], [113.54, 22.54],
];
